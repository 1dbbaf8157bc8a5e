//! `osmem new`: a project for a student to begin with, which builds and does not work yet.
//!
//! This module owns the files of `crates/cli/skeleton` and where they go. It never overwrites: it writes into a folder that is
//! absent or empty, and every file must be a new one.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::args::NewArgs;
use crate::error::{Error, Exit};
use crate::report::output::Output;

/// A skeleton: where each file goes, and what is in it.
type Files = &'static [(&'static str, &'static str)];

const C: Files = &[
    (".gitignore", include_str!("../skeleton/c/gitignore")),
    ("Makefile", include_str!("../skeleton/c/Makefile")),
    ("README.md", include_str!("../skeleton/c/README.md")),
    ("block_meta.h", include_str!("../skeleton/c/block_meta.h")),
    ("osmem.c", include_str!("../skeleton/c/osmem.c")),
    ("osmem.h", include_str!("../skeleton/c/osmem.h")),
];

const RUST: Files = &[
    (".gitignore", include_str!("../skeleton/rust/gitignore")),
    ("Cargo.lock", include_str!("../skeleton/rust/Cargo.lock.in")),
    ("Cargo.toml", include_str!("../skeleton/rust/Cargo.toml.in")),
    ("README.md", include_str!("../skeleton/rust/README.md")),
    ("src/block.rs", include_str!("../skeleton/rust/src/block.rs")),
    ("src/lib.rs", include_str!("../skeleton/rust/src/lib.rs")),
    ("src/sys.rs", include_str!("../skeleton/rust/src/sys.rs")),
];

/// Why there is no new project.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The empty name.
    #[error("the name of the folder is empty; name an absent or empty folder")]
    NoName,
    /// make, cc and the like would take it for an option.
    #[error("{} begins with a dash, which commands take for an option; choose another name", .0.display())]
    Dash(PathBuf),
    /// Something else is there.
    #[error("{} is not a folder; choose another name", .0.display())]
    NotAFolder(PathBuf),
    /// Nothing is ever overwritten.
    #[error("{} is not empty; name an absent or empty folder", .0.display())]
    NotEmpty(PathBuf),
    /// The system refuses.
    #[error("cannot write {}: {source}; name a folder you may write to", path.display())]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl NewError {
    /// The exit code of this error.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Write { .. } => Exit::Unfit,
            _ => Exit::Usage,
        }
    }
}

/// Runs `osmem new`.
pub fn run(args: &NewArgs) -> Result<Exit, Error> {
    let (files, next) = if args.rust { (RUST, "osmem check") } else { (C, "osmem check") };
    write_into(&args.folder, files)?;
    let mut out = Output::stdout();
    for (name, _) in files {
        writeln!(out, "wrote {}", args.folder.join(name).display())?;
    }
    writeln!(out, "\nnext, in {}: {next}", args.folder.display())?;
    out.flush()?;
    Ok(Exit::Passed)
}

/// Writes `files` into `folder`, which must be absent or empty.
fn write_into(folder: &Path, files: Files) -> Result<(), NewError> {
    prepare(folder)?;
    for (name, text) in files {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| OpenOptions::new().write(true).create_new(true).open(&path))
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|source| NewError::Write { path, source })?;
    }
    Ok(())
}

/// Makes sure that `folder` is there, is empty and can be named on a command line.
fn prepare(folder: &Path) -> Result<(), NewError> {
    if folder.as_os_str().is_empty() {
        return Err(NewError::NoName);
    }
    if folder.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"-")) {
        return Err(NewError::Dash(folder.to_owned()));
    }
    let refused = |source| NewError::Write { path: folder.to_owned(), source };
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(NewError::NotEmpty(folder.to_owned())),
        },
        // A link that leads nowhere is there all the same.
        Err(error) if error.kind() == ErrorKind::NotFound && folder.symlink_metadata().is_err() => {
            fs::create_dir_all(folder).map_err(refused)
        }
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(NewError::NotAFolder(folder.to_owned()))
        }
        Err(error) => Err(refused(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// The files below `crates/cli/skeleton/LANGUAGE`, as they are named there.
    fn kept(language: &str) -> Vec<String> {
        fn walk(folder: &Path, top: &Path, names: &mut Vec<String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, top, names);
                } else {
                    names.push(path.strip_prefix(top).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("skeleton").join(language);
        let mut names = Vec::new();
        walk(&top, &top, &mut names);
        names.sort();
        names
    }

    #[test]
    fn every_kept_file_is_written() {
        for (language, files) in [("c", C), ("rust", RUST)] {
            let mut names: Vec<_> = files
                .iter()
                .map(|(name, text)| {
                    assert!(text.ends_with('\n') && !text.contains('\r'), "{name}");
                    match *name {
                        ".gitignore" => "gitignore".to_owned(),
                        name if name.starts_with("Cargo.") => format!("{name}.in"),
                        name => name.to_owned(),
                    }
                })
                .collect();
            names.sort();
            assert_eq!(names, kept(language));
        }
    }

    #[test]
    fn absent_and_empty_folders_are_filled() {
        let root = tempfile::tempdir().unwrap();
        for name in ["absent", "deep/er/absent", "with space", "é", "empty/", "a-b"] {
            let folder = root.path().join(name);
            if name.starts_with("empty") {
                fs::create_dir(&folder).unwrap();
            }
            write_into(&folder, RUST).unwrap();
            assert!(folder.join("src/lib.rs").is_file(), "{name}");
            assert!(matches!(write_into(&folder, C), Err(NewError::NotEmpty(_))), "{name}");
            assert!(!folder.join("osmem.c").exists(), "{name}");
        }
    }

    #[test]
    fn other_places_are_refused_and_left_as_they_are() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        fs::write(path("file"), "text").unwrap();
        symlink("nowhere", path("link")).unwrap();
        fs::create_dir(path("hidden")).unwrap();
        fs::write(path("hidden/.git"), "").unwrap();
        let cases = [
            (PathBuf::new(), "is empty"),
            (PathBuf::from("-x"), "-x begins with a dash"),
            (path("--rust"), "begins with a dash"),
            (path("-x/"), "begins with a dash"),
            (path("file"), "file is not a folder"),
            (path("file/below"), "below is not a folder"),
            (path("link"), "link is not a folder"),
            (path("hidden"), "hidden is not empty"),
        ];
        for (folder, expected) in cases {
            let error = write_into(&folder, C).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.exit(), Exit::Usage, "{error}");
        }
        assert_eq!(fs::read_to_string(path("file")).unwrap(), "text");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 3);
        let error = write_into(Path::new("/proc/osmem-new"), C).unwrap_err();
        assert_eq!(
            (error.exit(), error.to_string().contains("cannot write /proc/osmem-new")),
            (Exit::Unfit, true),
            "{error}"
        );
    }
}
