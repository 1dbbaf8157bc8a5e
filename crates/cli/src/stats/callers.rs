//! Where in a program its calls are made: a second run, untraced, writes that down; lines come from the program's debug information.
//!
//! No verdict rests on it. Where the second run makes other calls than the first, no line is told.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use addr2line::Loader;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use object::{Object, ObjectSegment};
use osmem_oracle::call::Function;
use osmem_oracle::run::Run;
use osmem_trace::run::{Cancel, fits_search_path, search_path};

use super::figures::Figures;
use crate::layout::LIBRARY;

/// Bytes of records that are read.
const MOST: u64 = 64 << 20;

/// A call as the second run wrote it down.
struct Noted {
    function: Function,
    size: u64,
    module: u64,
    offset: u64,
}

/// The calls of a program, and the files that they are made in.
pub struct Callers {
    calls: Vec<Noted>,
    modules: HashMap<u64, PathBuf>,
}

impl Callers {
    /// Runs a program with its arguments; `None` if it cannot be run so.
    pub fn of(
        command: &[OsString],
        (callers, library): (&Path, Option<&Path>),
        time: Duration,
        cancel: &Cancel,
    ) -> Option<Self> {
        let (program, arguments) = command.split_first()?;
        let folder = tempfile::tempdir().ok().filter(|folder| fits_search_path(folder.path()))?;
        let records = folder.path().join("records");
        File::create(&records).ok()?;
        let mut command = Command::new(program);
        command.args(arguments).env("LD_PRELOAD", callers).env("OSMEM_CALLERS", &records);
        if let Some(library) = library {
            let library = fs::canonicalize(library).ok()?;
            symlink(&library, folder.path().join(LIBRARY)).ok()?;
            command.env("LD_LIBRARY_PATH", search_path(folder.path(), &library));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        run(&mut command, time, cancel).ok()?;
        if records.metadata().ok()?.len() > MOST {
            return None;
        }
        Some(Self::read(&fs::read(&records).ok()?))
    }

    fn read(mut bytes: &[u8]) -> Self {
        let mut read = Self { calls: Vec::new(), modules: HashMap::new() };
        while let Some((record, rest)) = bytes.split_first_chunk::<32>() {
            bytes = rest;
            let word = |at: usize| u64::from_ne_bytes(std::array::from_fn(|byte| record[at * 8 + byte]));
            let function = match word(0) {
                0 => {
                    let length = usize::try_from(word(2)).unwrap_or(usize::MAX).min(bytes.len());
                    let (path, rest) = bytes.split_at(length);
                    read.modules.insert(word(1), OsString::from_vec(path.to_vec()).into());
                    bytes = rest;
                    continue;
                }
                1 => Function::Malloc,
                2 => Function::Calloc,
                3 => Function::Realloc,
                4 => Function::Free,
                _ => break,
            };
            read.calls.push(Noted { function, size: word(1), module: word(2), offset: word(3) });
        }
        read
    }

    /// Returns whether these are the calls of a run.
    fn fits(&self, run: &Run) -> bool {
        let seen = run.calls().map(|call| (call.request.function(), call.request.bytes()));
        self.calls.iter().map(|call| (call.function, call.size)).eq(seen)
    }

    /// Tells the lines of leaks and misuses; `false` where the calls are not those of the run.
    pub fn tell(&self, run: &Run, figures: &mut Figures) -> bool {
        if !self.fits(run) {
            return false;
        }
        let mut lines = Lines { callers: self, files: HashMap::new() };
        figures.leaks.iter_mut().for_each(|leak| leak.line = lines.of(leak.call));
        figures.misuse.iter_mut().for_each(|misuse| misuse.line = lines.of(misuse.call));
        true
    }
}

/// Runs a command to its end, or ends it and all that it made.
fn run(command: &mut Command, time: Duration, cancel: &Cancel) -> io::Result<()> {
    let mut child = command.spawn()?;
    let start = Instant::now();
    let ended = loop {
        if child.try_wait()?.is_some() {
            break Ok(());
        }
        if start.elapsed() > time || cancel.is_cancelled() {
            break Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(Duration::from_millis(1));
    };
    if let Ok(group) = i32::try_from(child.id()) {
        // Processes that it left behind end with it; there may be none.
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    child.wait()?;
    ended
}

/// The debug information of a file, and the address that the beginning of the file has in it.
type Symbols = Option<(Loader, u64)>;

/// Looks up lines.
struct Lines<'a> {
    callers: &'a Callers,
    files: HashMap<u64, Symbols>,
}

impl Lines<'_> {
    /// Returns the line of the call with this number: `list.c:12 in push`, or the function alone.
    fn of(&mut self, call: u64) -> Option<String> {
        let noted = self.callers.calls.get(usize::try_from(call).ok()?.checked_sub(1)?)?;
        let path = self.callers.modules.get(&noted.module)?;
        let (loader, base) = self.files.entry(noted.module).or_insert_with(|| symbols(path)).as_ref()?;
        // It returns behind the instruction that makes the call.
        let address = base + noted.offset.checked_sub(1)?;
        let function = loader.find_symbol(address).map(|name| addr2line::demangle_auto(name.into(), None).into_owned());
        let place = loader.find_location(address).ok().flatten();
        let line = place.and_then(|place| {
            let file = place.file?.replace(char::is_control, "\u{fffd}");
            Some(format!("{}:{}", crate::report::output::shown(Path::new(&file)), place.line?))
        });
        match (line, function) {
            (Some(line), Some(function)) => Some(format!("{line} in {function}")),
            (Some(line), None) => Some(line),
            (None, function) => function.map(|function| format!("in {function}")),
        }
    }
}

fn symbols(path: &Path) -> Symbols {
    let data = fs::read(path).ok()?;
    let file = object::File::parse(&*data).ok()?;
    let base = file.segments().map(|segment| segment.address()).min().unwrap_or(0);
    // The loader maps whole pages.
    Some((Loader::new(path).ok()?, base & !0xfff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_up_to_where_they_are_cut_off() {
        let mut bytes = Vec::new();
        let mut record = |words: [u64; 4]| words.iter().for_each(|word| bytes.extend(word.to_ne_bytes()));
        record([0, 7, 4, 0]);
        bytes.extend(b"/a/b");
        let mut record = |words: [u64; 4]| words.iter().for_each(|word| bytes.extend(word.to_ne_bytes()));
        record([1, 100, 7, 16]);
        record([4, 0, 7, 32]);
        record([9, 0, 7, 32]);
        let read = Callers::read(&bytes);
        assert_eq!((read.calls.len(), read.modules[&7].to_str()), (2, Some("/a/b")));
        assert_eq!((read.calls[0].function, read.calls[0].size, read.calls[0].offset), (Function::Malloc, 100, 16));
        assert_eq!(Callers::read(&bytes[..60]).calls.len(), 0);
    }
}
