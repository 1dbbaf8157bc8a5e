//! Allocators for whole processes, and a process under one of them, timed.

use crate::Failure;
use std::env;
use std::io::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// An allocator by its name, and the library to preload; the system's own needs none.
#[derive(Clone, Debug)]
pub struct Allocator {
    pub name: &'static str,
    pub library: Option<PathBuf>,
}

/// What every ratio is to.
pub const SYSTEM: &str = "system";
pub const OSMEM: &str = "osmem";

/// The libraries of others, with the Debian packages that have them.
const OTHERS: [(&str, &str, &str); 3] = [
    ("jemalloc", "libjemalloc.so.2", "libjemalloc2"),
    ("mimalloc", "libmimalloc.so.2", "libmimalloc2.0"),
    ("tcmalloc", "libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"),
];

const FOLDERS: [&str; 6] = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib64",
    "/usr/local/lib",
];

/// The system, ours, and those of the others that are installed; says on standard error which are not.
pub fn allocators(library: Option<&Path>, wanted: impl Fn(&str) -> bool) -> Result<Vec<Allocator>, Failure> {
    let mut found = vec![Allocator { name: SYSTEM, library: None }];
    if wanted(OSMEM) {
        let own = library.map_or_else(|| sibling("libosmem_malloc.so"), |path| Ok(path.to_path_buf()))?;
        if !own.is_file() {
            let place = own.display();
            return Err(format!(
                "{place} is missing: run cargo build --release -p osmem-preload, or name it with --library"
            )
            .into());
        }
        found.push(Allocator { name: OSMEM, library: Some(own.canonicalize()?) });
    }
    for (name, file, package) in OTHERS.into_iter().filter(|(name, ..)| wanted(name)) {
        match FOLDERS.iter().map(|folder| Path::new(folder).join(file)).find(|path| path.is_file()) {
            Some(path) => found.push(Allocator { name, library: Some(path) }),
            None => eprintln!("without {name}: {file} is not installed (Debian: apt-get install {package})"),
        }
    }
    Ok(found)
}

/// A file of the build that this program is of.
pub fn sibling(name: &str) -> Result<PathBuf, Failure> {
    Ok(env::current_exe()?.parent().ok_or("this program is in no folder")?.join(name))
}

impl Allocator {
    /// Makes `command` use this allocator.
    pub fn serve(&self, command: &mut Command) {
        command.env_remove("LD_PRELOAD");
        if let Some(library) = &self.library {
            command.env("LD_PRELOAD", library);
        }
    }
}

/// What a process took.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub wall: Duration,
    /// Its largest resident set, or that of a descendant, in KiB.
    pub peak: i64,
}

/// Runs `command` to its end, which must be a good one.
pub fn run(command: &mut Command) -> Result<Cost, Failure> {
    let start = Instant::now();
    let child = command.spawn().map_err(|error| format!("cannot start {command:?}: {error}"))?;
    let peak = wait(&child).map_err(|error| format!("{command:?} {error}"))?;
    Ok(Cost { wall: start.elapsed(), peak })
}

/// A child that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(90);

/// Waits for the end, which it brings about itself if the child hangs, and returns the largest resident set. The standard library's own waiting does not tell that.
pub fn wait(child: &Child) -> Result<i64, Failure> {
    let (done, waiting) = mpsc::channel::<()>();
    let id = libc::pid_t::try_from(child.id())?;
    thread::spawn(move || {
        if waiting.recv_timeout(LONGEST) == Err(RecvTimeoutError::Timeout) {
            // SAFETY: a child of ours that has not been waited for, so the number is still its own.
            unsafe { libc::kill(id, libc::SIGKILL) };
        }
    });
    let mut status = 0;
    // SAFETY: plain numbers, all of which may be zero.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: a child of ours that nobody else waits for, and two places for the answer.
    while unsafe { libc::wait4(id, &raw mut status, 0, &raw mut usage) } != id {
        let error = Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINTR) {
            return Err(error.into());
        }
    }
    drop(done);
    if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 {
        return Ok(usage.ru_maxrss);
    }
    Err(if libc::WIFSIGNALED(status) {
        format!("was ended by signal {} (9 is also what follows {LONGEST:?})", libc::WTERMSIG(status)).into()
    } else {
        format!("ended with status {}", libc::WEXITSTATUS(status)).into()
    })
}
