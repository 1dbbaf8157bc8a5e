//! Proves that a library can be tested at all, before anything of it runs: its file, its machine, its four functions, its own needs.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use object::{Object, ObjectKind, ObjectSegment, ObjectSymbol};

use crate::layout::LIBRARY;

/// The functions a library must export.
const FUNCTIONS: [&str; 4] = ["os_malloc", "os_calloc", "os_realloc", "os_free"];

/// Why a library cannot be tested.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// Nothing is there, or it cannot be read.
    #[error("cannot read the library {}: {source}; name a shared library, or a folder that holds {LIBRARY}", path.display())]
    Read {
        /// The library.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder without a library in it.
    #[error("the folder {} holds no {LIBRARY}; build it there, or name the file", .0.display())]
    NotInFolder(PathBuf),
    /// Not a regular file.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// A file of no bytes.
    #[error("{} is empty; build the library again", .0.display())]
    Empty(PathBuf),
    /// Some other kind of file.
    #[error("{} is {what}, not a shared library; link it with `cc -shared -fPIC -o {LIBRARY} …`", path.display())]
    NotShared {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: &'static str,
    },
    /// An ELF file that ends too early or contradicts itself.
    #[error("{} is truncated or damaged ({reason}); build the library again", path.display())]
    Damaged {
        /// The library.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// For some other processor.
    #[error("{} is built for {library}, and this machine runs {machine}; build the library here", path.display())]
    Foreign {
        /// The library.
        path: PathBuf,
        /// What it is built for.
        library: String,
        /// What this command is built for.
        machine: String,
    },
    /// Some of the four functions are not exported.
    #[error(
        "{} does not export {}; is it defined, spelt so, and neither static nor hidden?", path.display(), missing.join(", ")
    )]
    Missing {
        /// The library.
        path: PathBuf,
        /// The names of the missing functions.
        missing: Vec<&'static str>,
    },
}

/// The library meant by `--lib`: the file itself, or `libosmem.so` in the folder.
pub fn locate(given: &Path) -> Result<PathBuf, LibraryError> {
    let read = |source| LibraryError::Read { path: given.to_owned(), source };
    let path = fs::canonicalize(given).map_err(read)?;
    if !path.is_dir() {
        return Ok(path);
    }
    match fs::canonicalize(path.join(LIBRARY)) {
        Ok(file) => Ok(file),
        Err(_) => Err(LibraryError::NotInFolder(given.to_owned())),
    }
}

/// Reads the file at `path` and refuses whatever is not a shared library for this machine with the four functions.
pub fn validate(path: &Path) -> Result<(), LibraryError> {
    let own = || path.to_owned();
    if !path.is_file() {
        return Err(LibraryError::NotAFile(own()));
    }
    let data = fs::read(path).map_err(|source| LibraryError::Read { path: own(), source })?;
    if data.is_empty() {
        return Err(LibraryError::Empty(own()));
    }
    if !data.starts_with(&object::elf::ELFMAG) {
        let what = if data.starts_with(b"!<arch>\n") { "a static archive" } else { "no ELF file" };
        return Err(LibraryError::NotShared { path: own(), what });
    }
    let damaged = |reason: String| LibraryError::Damaged { path: own(), reason };
    let file = object::File::parse(&*data).map_err(|error| damaged(error.to_string()))?;
    let (library, machine) = (target(&file), machine());
    if library != machine {
        return Err(LibraryError::Foreign { path: own(), library, machine });
    }
    match file.kind() {
        ObjectKind::Dynamic => {}
        ObjectKind::Relocatable => return Err(LibraryError::NotShared { path: own(), what: "an object file" }),
        ObjectKind::Executable => return Err(LibraryError::NotShared { path: own(), what: "an executable" }),
        _ => return Err(LibraryError::NotShared { path: own(), what: "an ELF file of another kind" }),
    }
    if is_cut_off(&file, data.len() as u64) {
        return Err(damaged("a segment reaches beyond the end of the file".to_owned()));
    }
    let exported = |name: &str| {
        file.dynamic_symbols().any(|symbol| symbol.is_global() && !symbol.is_undefined() && symbol.name() == Ok(name))
    };
    let missing: Vec<_> = FUNCTIONS.into_iter().filter(|name| !exported(name)).collect();
    if missing.is_empty() { Ok(()) } else { Err(LibraryError::Missing { path: own(), missing }) }
}

/// What an ELF file is built for, in words.
fn target<'a, R: object::ReadRef<'a>>(file: &object::File<'a, R>) -> String {
    let bits = if file.is_64() { 64 } else { 32 };
    let order = if file.is_little_endian() { "little" } else { "big" };
    format!("{:?} ({bits} bit, {order} endian)", file.architecture())
}

/// What this command is built for, in the words of [`target`].
fn machine() -> String {
    // No more of it than its headers is read.
    let own = env::current_exe().and_then(fs::File::open).map(object::ReadCache::new);
    let told = own.ok().and_then(|own| object::File::parse(&own).ok().map(|file| target(&file)));
    told.unwrap_or_else(|| env::consts::ARCH.to_owned())
}

/// Whether a part that would be loaded reaches beyond the end of the file.
fn is_cut_off(file: &object::File<'_>, length: u64) -> bool {
    let beyond = |(offset, size): (u64, u64)| offset.checked_add(size).is_none_or(|end| end > length);
    file.segments().any(|segment| beyond(segment.file_range()))
}
