//! The library that a check is about: our own, a file, or what is built from the sources in a folder.
//!
//! Sources are built as the grader builds them, in a folder that goes away, and without a box.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::error::Error;
use crate::grade::course::Course;
use crate::grade::intake::{self, Found, Recipe, Refusal, Shape};
use crate::grade::{command, overlay};
use crate::layout::{LIBRARY, Layout};
use crate::library;

/// Bytes of a build's messages that are shown.
const MOST_SHOWN: usize = 64 << 10;

/// Sources that give no library.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// There is nothing in the folder that is known how to build.
    #[error("{}: {why}; go to the folder of your allocator, name a folder, a .c file or a .so file, or say --own for our own library", path.display())]
    Nothing {
        /// The folder or the file.
        path: PathBuf,
        /// The reason.
        why: String,
    },
    /// The build failed.
    #[error("{}: the build ended with {status}: {first}", path.display())]
    Build {
        /// The folder or the file.
        path: PathBuf,
        /// How it ended.
        status: String,
        /// The compiler's first error.
        first: String,
    },
    /// The build gave no library that can be used.
    #[error("{}: {why}", path.display())]
    NoLibrary {
        /// The folder or the file.
        path: PathBuf,
        /// The reason.
        why: String,
    },
    /// The system refused something.
    #[error("{}: {why}", path.display())]
    System {
        /// The folder or the file.
        path: PathBuf,
        /// The reason.
        why: String,
    },
}

/// The library or the sources that the command line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Our own library.
    Own,
    /// A library that is built already: a file, or a folder that holds it.
    Library(PathBuf),
    /// Sources: a folder, or a file.
    Sources(PathBuf),
}

/// A library that is there. A folder of its own goes away with it.
#[derive(Debug)]
pub struct Ready {
    /// The file.
    pub library: PathBuf,
    _folder: Option<TempDir>,
}

impl Target {
    /// Returns the target of a command line, and the words of `words` that are left: the first may name a folder or a file.
    ///
    /// Without any, the current folder is meant; in our own source tree, our own library.
    pub fn of<'w>(lib: Option<&Path>, own: bool, words: &'w [String]) -> Result<(Self, &'w [String]), Error> {
        match (lib, words.split_first()) {
            (Some(lib), _) => Ok((Self::Library(lib.to_owned()), words)),
            _ if own => Ok((Self::Own, words)),
            (None, Some((first, rest))) if names_a_path(first) => Ok((Self::at(Path::new(first))?, rest)),
            _ if Layout::is_own_tree() => Ok((Self::Own, words)),
            _ => Ok((Self::at(Path::new("."))?, words)),
        }
    }

    fn at(path: &Path) -> Result<Self, Error> {
        let found = found(path)?;
        Ok(match found.shape {
            Shape::Library => Self::Library(path.to_owned()),
            _ => Self::Sources(path.to_owned()),
        })
    }

    /// Returns whether it is our own library.
    pub fn is_own(&self) -> bool {
        *self == Self::Own
    }

    /// Returns the sources that a report names; `None` where the library itself is named.
    pub fn named(&self) -> Option<PathBuf> {
        match self {
            Self::Sources(path) => Some(fs::canonicalize(path).unwrap_or_else(|_| path.clone())),
            _ => None,
        }
    }

    /// Makes the library ready: builds it where there are sources.
    pub fn ready(&self, layout: &Layout) -> Result<Ready, Error> {
        match self {
            Self::Own => Ok(Ready { library: layout.own_library()?.to_owned(), _folder: None }),
            Self::Library(path) => Ok(Ready { library: library::locate(path)?, _folder: None }),
            Self::Sources(path) => built(path),
        }
    }
}

/// Returns whether a word of the command line names a folder or a file, not tests.
fn names_a_path(word: &str) -> bool {
    let is_file =
        [".c", ".so", ".zip", ".tar", ".gz", ".tgz", ".xz", ".txz"].iter().any(|ending| word.ends_with(ending));
    word.contains('/') || word == "." || word == ".." || is_file || Path::new(word).is_dir()
}

fn found(path: &Path) -> Result<Found, Error> {
    let mut finds = intake::find(&[path.to_owned()], false)?;
    finds.found.pop().ok_or_else(|| nothing(path, "nothing is there").into())
}

fn nothing(path: &Path, why: &str) -> TargetError {
    TargetError::Nothing { path: path.to_owned(), why: why.to_owned() }
}

/// Builds the sources at `path`.
fn built(path: &Path) -> Result<Ready, Error> {
    let refused = |refusal: Refusal| match refusal {
        Refusal::InfraError(why) => TargetError::System { path: path.to_owned(), why },
        Refusal::NoBuild(why) => TargetError::NoLibrary { path: path.to_owned(), why },
        other => nothing(path, &other.to_string()),
    };
    let found = found(path)?;
    let folder = tempfile::Builder::new()
        .prefix("osmem-check-")
        .tempdir()
        .map_err(|source| Error::Stage { path: std::env::temp_dir(), source })?;
    let [source, scratch, library] = ["source", "tmp", LIBRARY].map(|name| folder.path().join(name));
    for made in [&source, &scratch] {
        fs::create_dir(made).map_err(|error| Error::Stage { path: made.clone(), source: error })?;
    }
    let course = Course::default();
    intake::unpack(&found, &course, &[], &source).map_err(refused)?;
    let recipe = intake::recognise(&source, &course, true).map_err(refused)?;
    intake::clear(&source, &recipe, &mut Vec::new()).map_err(refused)?;
    overlay::fill(&source).map_err(refused)?;
    if let Some(command) = command::command(&recipe) {
        build(path, &recipe, &command, [&source, &scratch])?;
    }
    intake::artifact(&source, &course, &recipe, &library).map_err(refused)?;
    Ok(Ready { library, _folder: Some(folder) })
}

/// Runs the command that builds `path` in a folder, and passes on what the compiler says.
fn build(path: &Path, recipe: &Recipe, command: &str, [folder, scratch]: [&Path; 2]) -> Result<(), Error> {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("exec 2>&1\n{command}")]).current_dir(folder);
    shell.env("TMPDIR", scratch).env_remove("MAKEFLAGS").env_remove("CARGO_TARGET_DIR").stdin(Stdio::null());
    let output = shell.output().map_err(|source| Error::Stage { path: "/bin/sh".into(), source })?;
    let messages = messages(&output.stdout, folder);
    if output.status.success() {
        if messages.contains("warning") {
            tell(&messages)?;
        }
        return Ok(());
    }
    let first = first_error(&messages);
    tell(&format!("{first}\n\n{messages}"))?;
    let missing = recipe.tools().iter().find(|tool| !is_there(tool));
    let first = missing.map_or(first, |tool| format!("{tool} is missing here; `osmem doctor` says more"));
    let status = output.status.code().map_or_else(|| output.status.to_string(), |code| format!("status {code}"));
    Err(TargetError::Build { path: path.to_owned(), status, first }.into())
}

/// Returns a build's messages as a terminal may show them, without the path of the folder.
fn messages(bytes: &[u8], folder: &Path) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_SHOWN)]);
    let text = text.replace(&format!("{}/", folder.display()), "");
    let shown = |c: char| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c };
    text.chars().map(shown).collect::<String>().trim_end().to_owned()
}

/// Returns the first line that tells of an error, else the last line.
fn first_error(messages: &str) -> String {
    let is_error =
        |line: &&str| ["error:", "error[", "Error ", "undefined reference"].iter().any(|word| line.contains(word));
    let line = messages.lines().find(is_error).or_else(|| messages.lines().next_back());
    line.unwrap_or("it says nothing").trim().to_owned()
}

/// Writes to standard error, where messages do no harm to a record on standard output.
fn tell(text: &str) -> io::Result<()> {
    writeln!(anstream::stderr(), "{text}")
}

fn is_there(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_path_or_a_filter() {
        for word in [".", "..", "hw2/", "./hw2", "osmem.c", "libosmem.so", "hw2.tar.gz", "src"] {
            assert!(names_a_path(word), "{word}");
        }
        for word in ["split", "R6", "malloc-prealloc-once", ""] {
            assert!(!names_a_path(word), "{word}");
        }
    }

    #[test]
    fn the_first_error_is_found() {
        let messages = "cc -c a.c\na.c:1: warning: x\na.c:2:1: error: y\na.c:3:1: error: z\nmake: *** [all] Error 1";
        assert_eq!(first_error(messages), "a.c:2:1: error: y");
        assert_eq!(first_error("cc\nstop"), "stop");
        assert_eq!(first_error(""), "it says nothing");
        assert_eq!(messages_of(b"/x/a.c: \x1b[31mred\n\n"), "a.c: \u{fffd}[31mred");
    }

    fn messages_of(bytes: &[u8]) -> String {
        messages(bytes, Path::new("/x"))
    }
}
