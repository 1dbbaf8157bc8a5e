//! Fixtures on disk.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::model::Trace;
use crate::text::TextError;

/// A fixture that cannot be used.
#[derive(Debug, Error)]
pub enum GoldenError {
    /// It does not exist.
    #[error("{} does not exist: `osmem bless` writes it", path.display())]
    Missing {
        /// The fixture.
        path: PathBuf,
    },
    /// It cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The fixture or its folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its text is no trace.
    #[error("{}: {source}", path.display())]
    Text {
        /// The fixture.
        path: PathBuf,
        /// The line and what is wrong there.
        source: TextError,
    },
}

/// The file of a fixture: `NAME.trace` in `dir`.
pub fn path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.trace"))
}

/// The names of all fixtures in `dir`, sorted. A folder that does not exist has none.
pub fn names(dir: &Path) -> Result<Vec<String>, GoldenError> {
    let failed = |source| GoldenError::Io { path: dir.into(), source };
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let file = entry.map_err(failed)?.file_name();
        names.extend(file.to_str().and_then(|file| file.strip_suffix(".trace")).map(String::from));
    }
    names.sort();
    Ok(names)
}

/// Reads a fixture.
pub fn read(path: &Path) -> Result<Trace, GoldenError> {
    let text = fs::read_to_string(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => GoldenError::Missing { path: path.into() },
        _ => GoldenError::Io { path: path.into(), source },
    })?;
    text.parse().map_err(|source| GoldenError::Text { path: path.into(), source })
}

/// The text of a fixture: `# comment` (line breaks in it become spaces), then the trace.
pub fn render(comment: &str, trace: &Trace) -> String {
    let comment: Vec<_> = comment.split_whitespace().collect();
    format!("# {}\n{trace}", comment.join(" "))
}

/// Writes a fixture whole or not at all; makes the folder where it is missing.
pub fn write(path: &Path, comment: &str, trace: &Trace) -> Result<(), GoldenError> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        fs::create_dir_all(dir)?;
        // In the same folder, because a rename is atomic only within a file system.
        let mut file = tempfile::Builder::new().prefix(".bless-").permissions(readable()).tempfile_in(dir)?;
        file.write_all(render(comment, trace).as_bytes())?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|source| GoldenError::Io { path: path.into(), source })
}

/// What `open` asks for (the umask then takes bits away); a temporary file would be for its owner alone.
fn readable() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}
