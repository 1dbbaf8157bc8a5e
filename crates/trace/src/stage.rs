//! What has to lie ready before a program starts: the program, and a folder of the run's own.

use std::env;
use std::fs::{File, Permissions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, elf};
use tempfile::TempDir;

use crate::spec::Spec;
use crate::tracer::RunError;

/// The file names under which the loader finds the two libraries.
pub const LIBRARY: &str = "libosmem.so";
/// See [`LIBRARY`].
pub const PROBE: &str = "libosmem_probe.so";

/// A folder that holds a tracer's log and, by the names that the loader looks for, links to the libraries: so no other path, with
/// whatever letters in it, gets into the loader's lists. Removed when dropped.
pub struct Stage {
    folder: TempDir,
    /// The folder of the library itself, where it may have brought others along.
    pub beside: Option<PathBuf>,
}

impl Stage {
    /// Makes the folder; the probe lies in it only where it is to be loaded.
    pub fn set(spec: &Spec, with_probe: bool) -> Result<Self, RunError> {
        let temporary = |source| RunError::Temporary { path: env::temp_dir(), source };
        let top = env::temp_dir().canonicalize().map_err(temporary)?;
        if !fits_search_path(&top) {
            return Err(RunError::TemporaryPath { path: top });
        }
        let private = Permissions::from_mode(0o700);
        let folder =
            tempfile::Builder::new().prefix("osmem-").permissions(private).tempdir_in(top).map_err(temporary)?;
        let mut stage = Self { folder, beside: None };
        if with_probe {
            stage.link(&spec.probe, PROBE)?;
        }
        if let Some(library) = &spec.library {
            let library = stage.link(library, LIBRARY)?;
            stage.beside = library.parent().filter(|folder| fits_search_path(folder)).map(PathBuf::from);
        }
        Ok(stage)
    }

    /// Makes the folder for the log alone, in `top`.
    pub fn bare(top: &Path) -> Result<Self, RunError> {
        let temporary = |source| RunError::Temporary { path: top.to_owned(), source };
        let private = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("log-").permissions(private).tempdir_in(top).map_err(temporary)?;
        Ok(Self { folder, beside: None })
    }

    fn link(&self, file: &Path, name: &str) -> Result<PathBuf, RunError> {
        let file = file.canonicalize().map_err(|source| RunError::Library { path: file.into(), source })?;
        symlink(&file, self.folder().join(name))
            .map_err(|source| RunError::Temporary { path: self.folder().into(), source })?;
        Ok(file)
    }

    /// The folder, absolute.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where strace writes.
    pub fn log(&self) -> PathBuf {
        self.folder().join("log")
    }
}

/// The loader splits LD_LIBRARY_PATH at `:` and `;`, and replaces what follows a `$`.
pub fn fits_search_path(folder: &Path) -> bool {
    !folder.as_os_str().as_bytes().iter().any(|byte| matches!(byte, b':' | b';' | b'$'))
}

/// The program's file: as given if there is a slash in it, else the first of that name on the PATH, as a shell would do.
pub fn find_program(program: &Path) -> Result<PathBuf, RunError> {
    let cannot = |why: &str| RunError::NotExecutable { program: program.into(), why: why.into() };
    let absent = || RunError::ProgramNotFound { program: program.into() };
    if !program.as_os_str().as_bytes().contains(&b'/') {
        let path = env::var_os("PATH").unwrap_or_default();
        return env::split_paths(&path)
            .map(|dir| dir.join(program))
            .find(|file| is_executable(file))
            .ok_or_else(absent);
    }
    match program.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(absent()),
        Err(error) => Err(cannot(&error.to_string())),
        Ok(file) if file.is_dir() => Err(cannot("it is a folder")),
        Ok(_) if is_executable(program) => Ok(program.into()),
        Ok(_) => Err(cannot("its permissions forbid it (chmod +x allows it)")),
    }
}

/// Whether `path` is a file that this process may execute.
pub fn is_executable(path: &Path) -> bool {
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}

/// Whether a probe can get into `program` at all; scripts are left to their interpreters.
pub fn require_probeable(program: &Path) -> Result<(), RunError> {
    let cannot = |why: &str| RunError::NotTraceable { program: program.into(), why: why.into() };
    // The headers stand at the beginning of a file. What cannot be read here fails where it is started.
    let mut head = Vec::new();
    let _ = File::open(program).and_then(|file| file.take(HEADERS).read_to_end(&mut head));
    if !head.starts_with(&elf::ELFMAG) {
        return Ok(());
    }
    let bits = if head.get(4) == Some(&elf::ELFCLASS64.0) { 64 } else { 32 };
    if bits != usize::BITS {
        return Err(cannot(
            "it is built for another kind of machine, so that the probe cannot be loaded into it; build it for this one",
        ));
    }
    let Some(interpreted) = is_interpreted(&head) else { return Ok(()) };
    // A loader that is started as a program loads another one.
    let is_loader = program.file_name().is_some_and(|name| name.as_bytes().starts_with(b"ld"));
    if !interpreted && !is_loader {
        return Err(cannot(
            "it is statically linked, so that no probe can be loaded into it; link it dynamically, its allocator as libosmem.so",
        ));
    }
    Ok(())
}

/// Bytes of a file that are read for its headers.
const HEADERS: u64 = 8192;

/// Whether a program of this machine names a loader; `None` where its headers do not say.
fn is_interpreted(head: &[u8]) -> Option<bool> {
    let header = elf::FileHeader64::<Endianness>::parse(head).ok()?;
    let endian = header.endian().ok()?;
    let parts = header.program_headers(endian, head).ok()?;
    Some(parts.iter().any(|part| part.p_type(endian) == elf::PT_INTERP))
}
