//! Runs a program with and without the preloaded library, within a time limit, and compares what came of it.

use std::env;
use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::support::built;

/// More than any program here takes on a busy machine; what takes longer hangs.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// The library under test.
pub fn library() -> PathBuf {
    let path = built().dir.join("libosmem_malloc.so");
    assert!(path.is_file(), "{} does not exist: run `make build`", path.display());
    path
}

/// With which allocator a program runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum On {
    /// Its own, or the C library's.
    Plain,
    /// The library under test.
    Preloaded,
}

/// Where a program is in the search path; its absence is a failure that names the remedy.
pub fn tool(name: &str) -> PathBuf {
    one_of(&[name])
}

/// The first of these programs that is in the search path.
pub fn one_of(names: &[&str]) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = env::split_paths(&path).collect();
    let found = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    found.into_iter().find(|file| file.is_file()).unwrap_or_else(|| {
        panic!("{} is not in the search path: run `make deps-full`, which installs it", names.join(" or "))
    })
}

/// What came of a run.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained of; not compared, for the library reports there.
    pub stderr: String,
}

impl Ran {
    /// What it printed, which is text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// A folder for the files of one program: the same path in both runs, so that paths in the output are the same too.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// What both runs read.
    pub fn input(&self) -> &Path {
        self.folder.path()
    }

    /// A file that both runs read, with this text.
    pub fn script(&self, text: &str) -> PathBuf {
        let script = self.input().join("script");
        fs::write(&script, text).unwrap();
        script
    }

    /// Runs `work` in an empty folder, once on either allocator, and keeps what each made: the folders of both.
    pub fn twice<T>(&self, mut work: impl FnMut(On, &Path) -> T) -> [(T, PathBuf); 2] {
        let here = self.folder.path().join("here");
        [On::Plain, On::Preloaded].map(|on| {
            fs::create_dir(&here).unwrap();
            let result = work(on, &here);
            let kept = self.folder.path().join(format!("{on:?}"));
            fs::rename(&here, &kept).unwrap();
            (result, kept)
        })
    }

    /// Runs a program that prints its result, on either allocator; it must succeed with the same output. Returns the output.
    pub fn same(&self, command: impl Fn(&Path) -> Command) -> String {
        let [(plain, _), (preloaded, _)] = self.twice(|on, here| run(on, &mut command(here)));
        assert!(plain.status.success(), "without the library: {}\n{}", plain.status, plain.stderr);
        assert_same(&plain, &preloaded);
        plain.text()
    }
}

/// Both runs ended alike and printed alike.
pub fn assert_same(plain: &Ran, preloaded: &Ran) {
    let end = |ran: &Ran| (ran.status.code(), ran.status.signal());
    assert_eq!(end(plain), end(preloaded), "with the library:\n{}\n{}", preloaded.text(), preloaded.stderr);
    if plain.stdout != preloaded.stdout {
        let (plain, preloaded) = (plain.text(), preloaded.text());
        let differ = plain.lines().zip(preloaded.lines()).position(|(a, b)| a != b);
        let at = differ.unwrap_or_else(|| plain.lines().count().min(preloaded.lines().count()));
        let line = |text: &str| text.lines().nth(at).unwrap_or("(the end)").to_owned();
        panic!("line {} differs:\n  plain     {}\n  preloaded {}", at + 1, line(&plain), line(&preloaded));
    }
}

/// Two files have the same bytes.
pub fn assert_same_file(name: &str, plain: &Path, preloaded: &Path) {
    let (a, b) = (fs::read(plain.join(name)).unwrap(), fs::read(preloaded.join(name)).unwrap());
    assert!(!a.is_empty(), "{name} is empty");
    assert!(a == b, "{name} differs: {} bytes without the library, {} with it", a.len(), b.len());
}

/// Runs a program that reads nothing to its end.
pub fn run(on: On, command: &mut Command) -> Ran {
    finish(on, command.stdin(Stdio::null()))
}

/// Runs a program that must succeed, and that reads this file.
pub fn read_from(on: On, command: &mut Command, input: &Path) -> Ran {
    let ran = finish(on, command.stdin(File::open(input).unwrap()));
    assert!(ran.status.success(), "{command:?} {on:?}: {}\n{}", ran.status, ran.stderr);
    ran
}

fn finish(on: On, command: &mut Command) -> Ran {
    let (out, err) = (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
    command.stdout(File::create(out.path()).unwrap()).stderr(File::create(err.path()).unwrap());
    let mut running = Running::start(on, command);
    let status = running.wait(command);
    let stderr = String::from_utf8_lossy(&fs::read(err.path()).unwrap()).into_owned();
    let active = running.seen || stderr.lines().any(|line| line.starts_with("osmem:"));
    assert_eq!(active, on == On::Preloaded, "{command:?}: whether the library was loaded\n{stderr}");
    Ran { status, stdout: fs::read(out.path()).unwrap(), stderr }
}

/// Runs a program that must succeed.
pub fn succeed(on: On, command: &mut Command) -> Ran {
    let ran = run(on, command);
    assert!(ran.status.success(), "{command:?} {on:?}: {}\n{}\n{}", ran.status, ran.text(), ran.stderr);
    ran
}

/// A process that is ended with its whole group if the test ends before it.
pub struct Running {
    child: Child,
    /// Its end has been seen: from then on its id may be another process's.
    ended: bool,
    /// The library has been seen among what the process has mapped.
    pub seen: bool,
}

impl Running {
    /// Starts a program in a group of its own, with the same surroundings on either allocator except for the library.
    pub fn start(on: On, command: &mut Command) -> Self {
        for variable in ["LD_LIBRARY_PATH", "LD_PRELOAD", "LANG", "LANGUAGE"] {
            command.env_remove(variable);
        }
        command.env("LC_ALL", "C").process_group(0);
        if on == On::Preloaded {
            command.env("LD_PRELOAD", library());
            // At its end each process then says on standard error that the library was there; not where that disturbs.
            if !command.get_envs().any(|(name, _)| name == "OSMEM_STATS") {
                command.env("OSMEM_STATS", "1");
            }
        }
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, ended: false, seen: false }
    }

    /// The process has ended; else looks whether the library is among what it has mapped, as long as that is unknown.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let ended = self.child.try_wait().unwrap();
        self.ended = ended.is_some();
        if !self.ended && !self.seen {
            let maps = fs::read_to_string(format!("/proc/{}/maps", self.child.id())).unwrap_or_default();
            let name = library().file_name().unwrap().to_str().unwrap().to_owned();
            self.seen = maps.contains(&format!("/{name}\n"));
        }
        ended
    }

    /// Waits for its end; a process that takes too long is a failure.
    fn wait(&mut self, command: &Command) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "{command:?} has not ended after {PATIENCE:?}: it hangs");
            thread::sleep(Duration::from_millis(if self.seen { 10 } else { 2 }));
        }
    }

    /// Ends it by its id with a polite signal, and waits for its end.
    pub fn terminate(&mut self, command: &Command) -> ExitStatus {
        nix::sys::signal::kill(self.pid(), Signal::SIGTERM).unwrap();
        self.wait(command)
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            let _ = killpg(self.pid(), Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

/// Compiles a C program of this folder with every warning an error.
pub fn compiled(place: &Place, source: &str) -> PathBuf {
    let program = place.input().join(source.trim_end_matches(".c"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/carries").join(source);
    let mut compiler = Command::new(tool("cc"));
    // The compiler must not know what malloc and free do, or it leaves pairs of them out.
    compiler.args(["-std=c11", "-O1", "-fno-builtin", "-pthread", "-Wall", "-Wextra", "-Werror", "-o"]);
    succeed(On::Plain, compiler.arg(&program).arg(file));
    program
}
