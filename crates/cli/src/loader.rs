//! Asks the system's program loader whether one of our programs would load with a library, without running either.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Seek};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use object::{Object, ObjectSection};
use osmem_trace::run::{fits_search_path, search_path};

use crate::layout::LIBRARY;

/// The loader only reads a few files; one that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a library does not load, or why that could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The loader refused, in its own words.
    #[error("{} cannot be loaded: {words}; build it on this machine and link what it needs", library.display())]
    Refused {
        /// The library.
        library: PathBuf,
        /// What the loader said.
        words: String,
    },
    /// The check itself did not work.
    #[error("cannot ask the program loader about {}: {reason}", program.display())]
    Unfit {
        /// The test program that was to be loaded.
        program: PathBuf,
        /// What went wrong.
        reason: String,
    },
}

/// Lists what `program` would load, with `library` as its `libosmem.so`, and resolves every symbol.
pub fn check(program: &Path, library: &Path) -> Result<(), LoadError> {
    let unfit = |reason: String| LoadError::Unfit { program: program.to_owned(), reason };
    let failed = |error: io::Error| unfit(error.to_string());
    let refused = |words: String| LoadError::Refused { library: library.to_owned(), words };

    let no_folder =
        |error| unfit(format!("no temporary folder can be made: {error}; set TMPDIR to one you may write to"));
    let folder = tempfile::tempdir().map_err(no_folder)?;
    if !fits_search_path(folder.path()) {
        let folder = folder.path().display();
        return Err(unfit(format!(
            "the temporary folder {folder} has a `:`, `;` or `$` in its path; set TMPDIR to another one"
        )));
    }
    symlink(library, folder.path().join(LIBRARY)).map_err(failed)?;
    let mut loader = list(program).map_err(failed)?;
    // With these, glibc also reports symbols that nobody defines, functions included.
    loader.env("LD_LIBRARY_PATH", search_path(folder.path(), library)).env("LD_WARN", "yes").env("LD_BIND_NOW", "yes");
    match answer(&mut loader).map_err(failed)? {
        None => Err(unfit(format!("no answer within {} s", PATIENCE.as_secs()))),
        Some((status, words)) if status.success() && words.is_empty() => Ok(()),
        Some((status, words)) if words.is_empty() => Err(refused(format!("the loader ended with {status}"))),
        // The loader names the program first, which is not what is wrong.
        Some((_, words)) => Err(refused(words.trim_start_matches(&format!("{}: ", program.display())).to_owned())),
    }
}

/// Whether `program` wants a `libosmem.so` and finds none by itself.
pub fn lacks_library(program: &Path) -> bool {
    let answer = list(program).and_then(|mut loader| answer(&mut loader)).ok().flatten();
    let absent = [format!("{LIBRARY} => not found"), format!("{LIBRARY}:")];
    answer.is_some_and(|(_, words)| absent.iter().any(|absent| words.contains(absent)))
}

/// The command that lists what `program` loads. Nothing of the program or of its libraries runs.
fn list(program: &Path) -> io::Result<Command> {
    let data = fs::read(program)?;
    let file = object::File::parse(&*data).map_err(io::Error::other)?;
    let section = file.section_by_name(".interp").ok_or_else(|| io::Error::other("it is statically linked"))?;
    let name = section.data().map_err(io::Error::other)?;
    let name = OsStr::from_bytes(name.split(|byte| *byte == 0).next().unwrap_or(name));
    let mut loader = Command::new(name);
    if name.to_string_lossy().contains("musl") {
        loader.arg("--list");
    } else {
        // glibc has --list too, but then leaves the symbols alone.
        loader.env("LD_TRACE_LOADED_OBJECTS", "1");
    }
    loader.arg(program);
    Ok(loader)
}

/// How a loader ended and what it wrote besides the list itself, whose lines end in addresses; `None` if it had to be killed.
fn answer(loader: &mut Command) -> io::Result<Option<(ExitStatus, String)>> {
    let mut file = tempfile::tempfile()?;
    let mut child = loader.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file.try_clone()?).spawn()?;
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            let mut text = Vec::new();
            file.rewind()?;
            file.read_to_end(&mut text)?;
            let text = String::from_utf8_lossy(&text);
            let words: Vec<_> = text.lines().map(str::trim).filter(|line| !line.contains("(0x")).collect();
            return Ok(Some((status, words.join("; "))));
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_micros(200));
    }
}
