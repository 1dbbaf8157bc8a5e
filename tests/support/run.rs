//! Compiles C programs and runs programs to their end. A program that does not end in time is a failure. Each run ends all
//! processes that the program started.

use std::env;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::support::built;

/// More time than any program here takes on a busy machine. A program that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

const OPTIONS: [&str; 12] = [
    "-std=gnu11",
    "-O1",
    "-pthread",
    "-Wall",
    "-Wextra",
    "-Werror",
    // The programs are wrong on purpose, and no call may be left out.
    "-fno-builtin",
    "-Wno-deprecated-declarations",
    "-Wno-alloc-size-larger-than",
    "-Wno-free-nonheap-object",
    "-Wno-use-after-free",
    "-Wno-unknown-warning-option",
];

/// Finds a program in the search path. Its absence is a failure that names the remedy.
pub fn tool(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{name} is not in the search path (try `make deps`)"))
}

/// A folder with compiled programs in it.
pub struct Programs {
    folder: TempDir,
}

impl Programs {
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Compiles a C file below `tests` with every warning an error; `more` comes last.
    pub fn compile(&self, source: &str, name: &str, more: &[&str]) -> PathBuf {
        let mut command = Command::new(tool("cc"));
        command.args(OPTIONS).arg("-I").arg(built().root.join("include"));
        command.arg(built().root.join("tests").join(source)).arg("-o").arg(self.path(name)).args(more);
        let ran = run(&mut command);
        assert!(ran.status.success(), "{command:?}\n{}", ran.errors);
        self.path(name)
    }
}

/// The outcome of a run.
#[derive(Debug)]
pub struct Ran {
    /// The end of the program.
    pub status: ExitStatus,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub errors: String,
}

/// A command without variables that tune an allocator.
pub fn bare(program: &Path) -> Command {
    let mut command = Command::new(program);
    let tunes = |name: &str| {
        name.starts_with("OSMEM_") || name.starts_with("MALLOC_") || ["LD_PRELOAD", "GLIBC_TUNABLES"].contains(&name)
    };
    for (name, _) in env::vars_os().filter(|(name, _)| tunes(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
}

/// A command under `libosmem_malloc.so`.
pub fn preloaded(program: &Path) -> Command {
    let mut command = bare(program);
    command.env("LD_PRELOAD", &built().malloc_library);
    command
}

/// Runs a program to its end, which must come in time.
pub fn run(command: &mut Command) -> Ran {
    let folder = TempDir::new().unwrap();
    let (out, errors) = (folder.path().join("out"), folder.path().join("errors"));
    command.stdin(Stdio::null()).stdout(File::create(&out).unwrap()).stderr(File::create(&errors).unwrap());
    let mut running = Running::start(command);
    let in_time = running.ends();
    let status = running.end();
    let text = |file| String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
    let ran = Ran { status, out: text(out), errors: text(errors) };
    assert!(in_time, "{command:?} has not ended after {PATIENCE:?}: it hangs\n{}{}", ran.out, ran.errors);
    ran
}

/// Runs a program that must succeed and print "fine", and returns its standard error.
pub fn fine(command: &mut Command) -> String {
    let ran = run(command);
    assert!(ran.status.success() && ran.out == "fine\n", "{command:?}: {}\n{}{}", ran.status, ran.out, ran.errors);
    ran.errors
}

/// A process in a group of its own, which ends with the group.
struct Running {
    child: Child,
    status: Option<ExitStatus>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let child = command.process_group(0).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, status: None }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// Waits for the end, which leaves the process its id. Returns `false` if it takes too long.
    fn ends(&self) -> bool {
        let start = Instant::now();
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while waitid(Id::Pid(self.pid()), flags) == Ok(WaitStatus::StillAlive) {
            if start.elapsed() > PATIENCE {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// Ends the rest of the group, whose leader still has its id.
    fn end(&mut self) -> ExitStatus {
        *self.status.get_or_insert_with(|| {
            _ = killpg(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGKILL);
            self.child.wait().unwrap()
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
