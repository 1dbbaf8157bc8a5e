//! What has to lie ready before a program starts: the program, and a folder for what loader and tracer need.

use std::env;
use std::ffi::OsString;
use std::fs::{File, Permissions, read_link};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nix::unistd::{AccessFlags, access};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, elf};
use tempfile::TempDir;

use crate::error::RunError;
use crate::spec::Spec;

/// The file names under which the loader finds the two libraries.
pub const LIBRARY: &str = "libosmem.so";
/// See [`LIBRARY`].
pub const PROBE: &str = "libosmem_probe.so";

/// A folder that holds a tracer's log and, by the names that the loader looks for, links to the libraries: so no other path, with
/// whatever letters in it, gets into the loader's lists. Removed when dropped.
#[derive(Debug)]
pub struct Stage {
    folder: TempDir,
    /// What lies in it.
    links: Vec<Link>,
    /// The folder of the library itself, where it may have brought others along.
    pub beside: Option<PathBuf>,
}

#[derive(Debug)]
struct Link {
    name: &'static str,
    /// What it stands for, as it was given.
    given: PathBuf,
    /// The same without links in its path.
    file: PathBuf,
}

/// The stage of a run, kept for those that follow: a folder for each would take a good part of the time of a short run.
#[derive(Clone, Debug, Default)]
pub struct Kept(Arc<Mutex<Option<Arc<Stage>>>>);

impl Kept {
    /// As [`Stage::set`].
    pub fn set(&self, spec: &Spec, with_probe: bool) -> Result<Arc<Stage>, RunError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stage) = kept.as_ref().filter(|stage| stage.serves(spec, with_probe)) {
            return Ok(Arc::clone(stage));
        }
        Ok(Arc::clone(kept.insert(Arc::new(Stage::set(spec, with_probe)?))))
    }
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
        let mut stage = Self { folder, links: Vec::new(), beside: None };
        for (name, file) in linked(spec, with_probe) {
            stage.link(file, name)?;
        }
        let beside = stage.library().and_then(Path::parent).filter(|folder| fits_search_path(folder));
        stage.beside = beside.map(PathBuf::from);
        Ok(stage)
    }

    /// Whether it is as that run needs it, and nobody has changed it.
    fn serves(&self, spec: &Spec, with_probe: bool) -> bool {
        let given = self.links.iter().map(|link| (link.name, &*link.given));
        let stands = |link: &Link| read_link(self.folder().join(link.name)).is_ok_and(|file| file == link.file);
        given.eq(linked(spec, with_probe)) && self.links.iter().all(stands)
    }

    /// The library, without links in its path.
    pub fn library(&self) -> Option<&Path> {
        self.links.iter().find(|link| link.name == LIBRARY).map(|link| &*link.file)
    }

    /// Makes the folder for the log alone, in `top`.
    pub fn bare(top: &Path) -> Result<Self, RunError> {
        let temporary = |source| RunError::Temporary { path: top.to_owned(), source };
        let private = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("log-").permissions(private).tempdir_in(top).map_err(temporary)?;
        Ok(Self { folder, links: Vec::new(), beside: None })
    }

    fn link(&mut self, given: &Path, name: &'static str) -> Result<(), RunError> {
        let file = given.canonicalize().map_err(|source| RunError::Library { path: given.into(), source })?;
        symlink(&file, self.folder().join(name))
            .map_err(|source| RunError::Temporary { path: self.folder().into(), source })?;
        self.links.push(Link { name, given: given.into(), file });
        Ok(())
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

/// The files that a run needs to be linked, by their names there.
fn linked(spec: &Spec, with_probe: bool) -> impl Iterator<Item = (&'static str, &Path)> {
    let probe = with_probe.then_some((PROBE, &*spec.probe));
    probe.into_iter().chain(spec.library.as_deref().map(|library| (LIBRARY, library)))
}

/// Returns the search path for a folder with a link to a library, and for the libraries that lie beside that one.
pub fn search_path(folder: &Path, library: &Path) -> OsString {
    let mut path = folder.as_os_str().to_owned();
    if let Some(beside) = library.parent().filter(|beside| fits_search_path(beside)) {
        path.push(":");
        path.push(beside);
    }
    path
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

/// The error of a program that could not be started for this error of the system, given by its name.
pub fn not_executable(program: &Path, error: &str) -> RunError {
    let why = match error {
        "ENOEXEC" => "the system does not know its format".into(),
        "ENOENT" => "the interpreter or loader that it names does not exist".into(),
        "E2BIG" => "its arguments and environment are too long".into(),
        "EACCES" => "its permissions, or those of its interpreter, forbid it".into(),
        _ => format!("the system says {error}"),
    };
    RunError::NotExecutable { program: program.into(), why }
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_stage_is_kept_as_long_as_it_serves() {
        let own = env::current_exe().unwrap();
        let mut spec = Spec { library: Some(own.clone()), ..Spec::new(own.clone(), own.clone()) };
        let kept = Kept::default();
        let first = kept.set(&spec, true).unwrap();
        assert_eq!(first.library(), Some(&*own.canonicalize().unwrap()));
        assert_eq!(kept.set(&spec, true).unwrap().folder(), first.folder());

        let link = first.folder().join(LIBRARY);
        fs::remove_file(&link).unwrap();
        symlink("/dev/null", &link).unwrap();
        let second = kept.set(&spec, true).unwrap();
        assert_ne!(second.folder(), first.folder());
        assert_eq!(read_link(second.folder().join(LIBRARY)).unwrap(), own.canonicalize().unwrap());

        fs::remove_dir_all(second.folder()).unwrap();
        let third = kept.set(&spec, true).unwrap();
        assert!(third.folder().join(PROBE).exists());
        assert!(!kept.set(&spec, false).unwrap().folder().join(PROBE).exists());
        spec.library = None;
        let last = kept.set(&spec, false).unwrap();
        assert!(!last.folder().join(LIBRARY).exists());

        // Who still needs one keeps it.
        assert!(third.folder().exists());
        let folder = third.folder().to_owned();
        drop(third);
        assert!(!folder.exists());
    }
}
