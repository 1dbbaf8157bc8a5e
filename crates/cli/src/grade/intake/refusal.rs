//! Why a submission, or a command line that names some, cannot be used.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::grade::record::Outcome;

/// Why a submission is not built or not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was built, but there is no library that can be used.
    #[error("{0}")]
    NoBuild(String),
    /// Nothing that this grader knows how to read or build, or may use.
    #[error("{0}")]
    Unsupported(String),
    /// Links, devices, paths that lead out.
    #[error("{0}")]
    Forbidden(String),
    /// Too many, too large, too deep.
    #[error("{0}")]
    Limit(String),
    /// The surroundings failed.
    #[error("{0}")]
    InfraError(String),
}

impl Refusal {
    /// How the submission ended with it.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::NoBuild(_) => Outcome::NoBuild,
            Self::Unsupported(_) => Outcome::Unsupported,
            Self::Forbidden(_) => Outcome::Forbidden,
            Self::Limit(_) => Outcome::Limit,
            Self::InfraError(_) => Outcome::InfraError,
        }
    }

    /// The system refused to read what was submitted, at a place below it.
    pub(super) fn unread(path: &Path, error: impl Into<io::Error>) -> Self {
        let error = error.into();
        match error.kind() {
            io::ErrorKind::PermissionDenied => {
                Self::Unsupported(format!("{} may not be read; hand it in with the rights to read it", shown(path)))
            }
            _ => Self::infra("read", path, error),
        }
    }

    /// The system refused to read a submission as a whole: this user owns it, so that the rights came with it.
    pub(super) fn closed(path: &Path, error: impl Into<io::Error>) -> Self {
        let is_own = std::fs::symlink_metadata(path).is_ok_and(|there| there.uid() == geteuid().as_raw());
        if is_own { Self::unread(path, error) } else { Self::infra("read", path, error) }
    }

    /// The system refused to write what was submitted.
    pub(super) fn unwritten(path: &Path, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidFilename => {
                Self::Limit(format!("the path {} is too long; use shorter names, or fewer folders", shown(path)))
            }
            _ => Self::infra("write", path, error),
        }
    }

    /// The system refused something on our side.
    pub(super) fn infra(what: &str, path: &Path, error: impl Into<io::Error>) -> Self {
        Self::InfraError(format!("cannot {what} {}: {}", shown(path), error.into()))
    }
}

/// Why the paths on the command line cannot be graded.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The system refuses to look at it: it is missing, not readable, a loop of links.
    #[error("cannot use {}: {source}", shown(path))]
    Read {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is something else.
    #[error(
        "{} is no submission; give a folder, a .c or .so file, or a .zip, .tar, .tar.gz or .tar.xz archive",
        shown(path)
    )]
    NoSubmission {
        /// The path as given.
        path: PathBuf,
    },
    /// The root folder has no name.
    #[error("{} has no name to grade it under; give a folder below it", shown(path))]
    NoName {
        /// The path as given.
        path: PathBuf,
    },
    /// A class must be a folder.
    #[error("{} is no folder; a class is a folder with a submission in each entry", shown(path))]
    NoFolder {
        /// The path as given.
        path: PathBuf,
    },
    /// There is nothing to grade in a class.
    #[error("{} holds no submission{}", shown(path), ignored_in(ignored))]
    Empty {
        /// The path as given.
        path: PathBuf,
        /// What is in it nevertheless.
        ignored: Vec<String>,
    },
    /// Two submissions of one name.
    #[error("{} and {} are both named \"{name}\"; rename one of them", shown(first), shown(second))]
    SameName {
        /// The name.
        name: String,
        /// The earlier path.
        first: PathBuf,
        /// The later path.
        second: PathBuf,
    },
}

fn ignored_in(ignored: &[String]) -> String {
    if ignored.is_empty() { String::new() } else { format!(" ({})", ignored.join("; ")) }
}

/// The most characters of a path in a message.
const LONGEST_SHOWN: usize = 200;

/// A path as it may stand in a message: printable, and not longer than a reader can use.
pub(super) fn shown(path: impl AsRef<Path>) -> String {
    let text: String = path.as_ref().to_string_lossy().escape_debug().collect();
    if text.chars().count() <= LONGEST_SHOWN {
        return text;
    }
    text.chars().take(LONGEST_SHOWN).chain(['…']).collect()
}
