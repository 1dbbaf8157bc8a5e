//! Finding strace, and seeing that it may work here.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::error::{StraceError, Version};
use crate::stage::is_executable;

/// A usable strace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strace {
    /// The executable, absolute.
    pub path: PathBuf,
    /// Its version.
    pub version: Version,
}

impl Strace {
    /// The first strace on the PATH.
    pub fn find() -> Result<Self, StraceError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).map(|dir| dir.join("strace")).find(|file| is_executable(file));
        Self::at(found.ok_or(StraceError::Missing)?)
    }

    /// The strace at `path`.
    pub fn at(path: PathBuf) -> Result<Self, StraceError> {
        let strange = |problem: String| StraceError::Strange { path: path.clone(), problem };
        let path = path.canonicalize().map_err(|error| strange(error.to_string()))?;
        let output = Command::new(&path).arg("-V").stdin(Stdio::null()).output();
        let output = output.map_err(|error| strange(error.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().next().unwrap_or_default();
        let version = Version::read(line).ok_or_else(|| strange(format!("its version is `{line}`")))?;
        if version < Version::OLDEST {
            return Err(StraceError::TooOld { path, found: version });
        }
        Ok(Self { path, version })
    }

    /// Whether it can let untraced system calls pass at full speed.
    pub(crate) fn has_seccomp(&self) -> bool {
        self.version >= Version { major: 5, minor: 3 }
    }
}

impl Version {
    /// Earlier ones have no `%memory` and `%process` as we use them, and write some lines otherwise.
    const OLDEST: Self = Self { major: 5, minor: 0 };

    /// Reads `strace -- version 6.1`; what may follow (`.0.13.abc`) does not matter.
    fn read(line: &str) -> Option<Self> {
        let (_, version) = line.strip_prefix("strace ")?.split_once("version ")?;
        let mut parts = version.trim_start_matches('v').split(|letter: char| !letter.is_ascii_digit());
        Some(Self { major: parts.next()?.parse().ok()?, minor: parts.next()?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_ordered() {
        let read = |line| Version::read(line).map(|version| (version.major, version.minor));
        assert_eq!(read("strace -- version 6.1"), Some((6, 1)));
        assert_eq!(read("strace -- version 5.10.0.12.ab3e-dirty"), Some((5, 10)));
        assert_eq!(read("strace -- version UNKNOWN"), None);
        assert_eq!(read("ls (GNU coreutils) 9.1"), None);
        assert_eq!(read(""), None);
        assert!(Version { major: 5, minor: 10 } > Version { major: 5, minor: 3 });
    }
}
