//! How a submission is to be built.

use std::fs;
use std::path::{Path, PathBuf};

use super::refusal::Refusal;
use crate::grade::course::Course;

/// How a submission is to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipe {
    /// The course's own shell command.
    Course {
        /// Run in the submission's folder.
        command: String,
    },
    /// `cargo build` in the submission's folder.
    Cargo,
    /// `make`.
    Makefile {
        /// Where the makefile is, relative to the submission's folder; empty: there.
        dir: PathBuf,
    },
    /// C files, for one compiler run.
    C {
        /// Sorted; relative to the submission's folder, and never to be taken for an option.
        files: Vec<PathBuf>,
    },
    /// C++ files, with the C files beside them.
    Cxx {
        /// As above.
        files: Vec<PathBuf>,
        /// As above; may be empty.
        c: Vec<PathBuf>,
    },
    /// A library that was submitted as such.
    Prebuilt {
        /// Relative to the submission's folder.
        file: PathBuf,
    },
}

impl Recipe {
    /// The word for it in a record.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Course { .. } => "course",
            Self::Cargo => "cargo",
            Self::Makefile { .. } => "makefile",
            Self::C { .. } => "c",
            Self::Cxx { .. } => "c++",
            Self::Prebuilt { .. } => "prebuilt",
        }
    }

    /// The programs that it cannot do without, as far as we know.
    pub fn tools(&self) -> &'static [&'static str] {
        match self {
            Self::Course { .. } | Self::Prebuilt { .. } => &[],
            Self::Cargo => &["cargo", "cc"],
            Self::Makefile { .. } => &["make", "cc"],
            Self::C { .. } => &["cc"],
            Self::Cxx { .. } => &["c++", "cc"],
        }
    }
}

/// The names of makefiles, in the order in which make looks for them.
pub const MAKEFILES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];
/// The library, wherever nothing else is said.
pub const LIBRARY: &str = "libosmem.so";

/// Finds out how what was unpacked into `folder` is to be built.
pub fn recognise(folder: &Path, course: &Course, allow_prebuilt: bool) -> Result<Recipe, Refusal> {
    if let Some(command) = &course.build.command {
        return Ok(Recipe::Course { command: command.clone() });
    }
    let is_file = |path: &Path| fs::symlink_metadata(folder.join(path)).is_ok_and(|meta| meta.is_file());
    if is_file(Path::new("Cargo.toml")) {
        return Ok(Recipe::Cargo);
    }
    for dir in ["", "src"].map(Path::new) {
        if MAKEFILES.iter().any(|name| is_file(&dir.join(name))) {
            return Ok(Recipe::Makefile { dir: dir.to_owned() });
        }
    }
    let (c, cxx): (Vec<_>, Vec<_>) = sources(folder)?.into_iter().partition(|file| is_c(file));
    if !cxx.is_empty() {
        return Ok(Recipe::Cxx { files: cxx, c });
    }
    let files = c;
    // Our own overlay has brought that one, and it is no allocator.
    if files.iter().any(|file| file != Path::new("utils/printf.c")) {
        return Ok(Recipe::C { files });
    }
    if is_file(Path::new(LIBRARY)) {
        return if allow_prebuilt {
            Ok(Recipe::Prebuilt { file: LIBRARY.into() })
        } else {
            let message = format!("it is a {LIBRARY} without sources; --allow-prebuilt takes it as it is");
            Err(Refusal::Unsupported(message))
        };
    }
    let what =
        if listed(folder, Path::new(""))?.is_empty() { "there is no file" } else { "nothing to build was found" };
    Err(Refusal::Unsupported(format!(
        "{what}; looked for Cargo.toml, a Makefile here or in src/, C or C++ files here, in src/ or one folder below, and {LIBRARY}"
    )))
}

/// The endings of C++ files.
const CXX: [&str; 3] = ["cc", "cpp", "cxx"];

fn is_c(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "c")
}

fn is_source(file: &Path) -> bool {
    is_c(file) || CXX.iter().any(|known| file.extension().is_some_and(|ending| ending == *known))
}

/// The C and C++ files of the folder itself and of `src` with the folders in it; those of the other folders, if there are none.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, Refusal> {
    let (mut files, mut below) = (Vec::new(), Vec::new());
    collect(folder, Path::new(""), &mut files, &mut below)?;
    let (src, others): (Vec<_>, Vec<_>) = below.into_iter().partition(|dir| dir == Path::new("src"));
    for dir in src {
        let mut deeper = Vec::new();
        collect(folder, &dir, &mut files, &mut deeper)?;
        for dir in deeper {
            collect(folder, &dir, &mut files, &mut Vec::new())?;
        }
    }
    if files.is_empty() {
        for dir in others {
            collect(folder, &dir, &mut files, &mut Vec::new())?;
        }
    }
    files.sort();
    Ok(files)
}

/// Adds the sources in `dir`, and the folders in it that are no tests.
fn collect(folder: &Path, dir: &Path, files: &mut Vec<PathBuf>, below: &mut Vec<PathBuf>) -> Result<(), Refusal> {
    for (path, is_dir) in listed(folder, dir)? {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        if is_dir {
            if !name.starts_with(b".") && name != b"tests" && name != b"test" {
                below.push(path);
            }
        } else if is_source(&path) && !name.starts_with(b".") {
            // A compiler takes `-x.c` for an option and `@x.c` for a list of options.
            let plain = path.as_os_str().as_encoded_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
            files.push(if plain { path } else { Path::new(".").join(path) });
        }
    }
    Ok(())
}

/// The files and folders in `dir`, relative to `folder`, with whether each is a folder.
fn listed(folder: &Path, dir: &Path) -> Result<Vec<(PathBuf, bool)>, Refusal> {
    let here = folder.join(dir);
    let failed = |error| Refusal::infra("read", &here, error);
    let mut all = Vec::new();
    for entry in fs::read_dir(&here).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() || kind.is_file() {
            all.push((dir.join(entry.file_name()), kind.is_dir()));
        }
    }
    all.sort();
    Ok(all)
}
