//! Our own tracer: ptrace, with a filter of system calls by which the kernel stops a traced thread at those that are recorded, and at no
//! others.
//!
//! The program's calls are told by notes in its own memory (crate `osmem_ring`), which are read whenever it stands still; so an `os_*` call
//! that asks nothing of the system costs no stop at all. What is written down reads as strace would write it, and goes the same way from
//! there on.
//!
//! ptrace belongs to a thread: each run has one of its own, which starts the program, traces it and ends with it. If it dies, the kernel
//! kills all that it traced. Another thread, the caller's, watches limits and output. Files:
//!
//! ```text
//! kernel  requests that no library wraps
//! arch    what depends on the machine
//! memory  the memory of a traced process
//! notes   the notes in it
//! filter  the filter of system calls
//! render  system calls as strace writes them
//! code    memory that stays as it is
//! sample  calls that are looked at from outside
//! guard   what a program must not do to its tracer
//! family  threads and processes
//! shared  what the two threads of a run have in common
//! follow  from stop to stop
//! births  new threads and processes
//! calls   the beginning and the end of a system call
//! spawn   starts the program
//! watch   limits and output
//! ```

mod arch;
mod births;
mod calls;
mod code;
mod family;
mod filter;
mod follow;
mod guard;
mod kernel;
mod memory;
mod notes;
mod render;
mod sample;
mod shared;
mod spawn;
mod watch;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use nix::fcntl::OFlag;
use nix::unistd::pipe2;

use crate::environment;
pub use crate::error::BuiltinError;
use crate::error::RunError;
use crate::place::{Placement, place};
use crate::spec::{Ask, Cancel, Instruction, Spec, Starter};
use crate::stage;
use crate::tracer::{Recording, Seen, Tracer, Watch, finished};
use follow::{Followed, Follower, Job};
use shared::Shared;
use spawn::{Program, StartError, Step};
use watch::{Stream, watch};

/// The built-in tracer.
#[derive(Clone, Debug)]
pub struct Builtin {
    /// The system lets us filter system calls.
    filtered: bool,
    stage: stage::Kept,
}

/// What a traced thread is stopped for, and what becomes of it if the tracer ends.
const OPTIONS: i32 = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACEVFORKDONE
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACEEXIT
    | libc::PTRACE_O_TRACESECCOMP
    | libc::PTRACE_O_EXITKILL;

/// What is to be started, and how.
struct Plan<'a> {
    file: &'a OsStr,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    input: OwnedFd,
    filter: Option<&'a [Instruction]>,
    secret: u64,
    ask: Option<Ask>,
    /// The library under test, as the kernel names it.
    library: Option<PathBuf>,
}

impl Builtin {
    /// Whether it works here: tries to trace a child, which ends at once.
    pub fn find() -> Result<Self, BuiltinError> {
        // Without a filter each system call stops: slower, but as exact.
        let filtered = Self::tried(true)?;
        if !filtered {
            Self::tried(false)?;
        }
        Ok(Self { filtered, stage: stage::Kept::default() })
    }

    /// Whether a filter could be set, if that was wanted.
    fn tried(filtered: bool) -> Result<bool, BuiltinError> {
        let unfit = |message: String| BuiltinError::Unfit { message };
        let instructions = filter::first(Watch::End, 1, true);
        let trial = || -> Result<Option<(Step, io::Error)>, StartError> {
            let null = || File::open("/dev/null").map(OwnedFd::from);
            let program = Program {
                // Nothing is there: the child ends after all that comes before.
                file: OsStr::new("/dev/null/nothing"),
                // The kernel complains of a program that does not even get its name.
                arguments: vec!["nothing".into()],
                environment: Vec::new(),
                input: null()?,
                output: null()?,
                errors: null()?,
                filter: filtered.then_some(&instructions[..]),
                // Another one, so that the start of the program is seen as well.
                secret: 2,
            };
            let child = spawn::start(program, OPTIONS)?;
            let shared = Shared::default();
            let job = Job {
                watch: Watch::End,
                library: None,
                started: true,
                filtered,
                incomplete: false,
                refuse: None,
                limit: u64::MAX,
                shared: &shared,
            };
            Follower::new(child.tid, job).follow()?;
            Ok(child.failure())
        };
        // ptrace and the wait for what it traces belong to a thread.
        let result = thread::scope(|scope| scope.spawn(trial).join());
        match result.unwrap_or_else(|_| Err(io::Error::other("the thread that traces panicked").into())) {
            Err(error) => Err(start_error(error)),
            Ok(Some((Step::Program, _))) => Ok(filtered),
            Ok(Some((Step::Filter, _))) => Ok(false),
            Ok(Some((step, error))) => Err(unfit(format!("{step:?}: {error}"))),
            Ok(None) => Err(unfit("a child that was traced ended early".into())),
        }
    }

    /// Whether the kernel stops threads only where something is recorded.
    pub fn is_filtered(&self) -> bool {
        self.filtered
    }

    fn record_program(&self, spec: &Spec, watch: Watch<'_>, cancel: &Cancel) -> Result<Recording, RunError> {
        let program = stage::find_program(&spec.program)?;
        let key = watch.probe_key();
        if key.is_some() {
            stage::require_probeable(&program)?;
        }
        let stage = self.stage.set(spec, key.is_some())?;
        let secret = secret();
        let instructions = filter::first(watch, secret, false);
        let mut arguments = vec![program.clone().into_os_string()];
        arguments.extend(spec.args.iter().cloned());
        let plan = Plan {
            file: program.as_os_str(),
            arguments,
            environment: environment::whole(spec, &stage, key),
            input: File::open("/dev/null").map_err(spawn_error)?.into(),
            filter: self.filtered.then_some(&instructions),
            secret,
            ask: None,
            library: stage.library().map(PathBuf::from),
        };
        let (recording, _) = self.run(spec, watch, plan, cancel)?;
        Ok(recording)
    }

    fn record_started(
        &self,
        spec: &Spec,
        starter: &dyn Starter,
        watch: Watch<'_>,
        cancel: &Cancel,
    ) -> Result<Recording, RunError> {
        let instructions = filter::first(watch, secret(), true);
        let filter = self.filtered.then_some(&instructions[..]);
        let started = starter.start(&environment::start(spec, watch.probe_key(), filter)).map_err(spawn_error)?;
        let Some(file) = started.command.first().cloned() else {
            return Err(RunError::NotStarted { why: "there is nothing to start it".into() });
        };
        let plan = Plan {
            file: &file,
            arguments: started.command,
            environment: environment::pinned(),
            input: started.input,
            filter: None,
            secret: 0,
            ask: Some(started.stop),
            library: spec.library.as_ref().and_then(|library| library.canonicalize().ok()),
        };
        let (mut recording, ran) = self.run(spec, watch, plan, cancel)?;
        finished((started.finish)(), &mut recording.stopped)?;
        if !ran && recording.stopped.is_none() {
            let words = String::from_utf8_lossy(&recording.stderr).trim().to_owned();
            return Err(RunError::NotStarted { why: format!("nothing was started; {words}") });
        }
        Ok(recording)
    }

    /// Runs what is planned; whether the program started.
    fn run(
        &self,
        spec: &Spec,
        what: Watch<'_>,
        plan: Plan<'_>,
        cancel: &Cancel,
    ) -> Result<(Recording, bool), RunError> {
        let start = Instant::now();
        let pipe = || pipe2(OFlag::O_CLOEXEC).map_err(|errno| spawn_error(errno.into()));
        let ((out, output), (err, errors), (done, closes)) = (pipe()?, pipe()?, pipe()?);
        let stream = |pipe| Stream::new(pipe, spec.limits.tail).map_err(|errno| spawn_error(errno.into()));
        let mut streams = [stream(out)?, stream(err)?];
        let shared = Shared::default();
        let Plan { file, arguments, environment, input, filter, secret, ask, library } = plan;
        let job = Job {
            watch: what,
            library: library.as_deref(),
            started: spec.starter.is_some(),
            filtered: self.filtered,
            // A box would not let the rest be set later.
            incomplete: self.filtered && spec.starter.is_none() && matches!(what, Watch::Calls(_)),
            refuse: spec.refuse,
            limit: spec.limits.log,
            shared: &shared,
        };
        let program = Program { file, arguments, environment, input, output, errors, filter, secret };
        let followed = thread::scope(|scope| {
            let tracing = scope.spawn(move || {
                let _closes_at_end = closes;
                place(Placement { aslr: spec.aslr, cpu: spec.cpu });
                trace(program, job, &spec.program)
            });
            let spent = watch(&mut streams, &done, &shared, &spec.limits, cancel, ask);
            let panicked = |_| Err(spawn_error(io::Error::other("the thread that traces panicked")));
            tracing.join().unwrap_or_else(panicked).map(|followed| (followed, spent))
        });
        let (followed, spent) = followed?;
        let [stdout, stderr] = streams.map(Stream::finish);
        let stopped = shared.stopped();
        let seen = Seen::Steps(followed.steps);
        Ok((
            Recording { seen, stdout, stderr, stopped, origins: followed.origins, spent, elapsed: start.elapsed() },
            followed.started,
        ))
    }
}

/// Starts a program and follows it to its end, on a thread of its own.
fn trace(program: Program<'_>, job: Job<'_>, named: &Path) -> Result<Followed, RunError> {
    let shared = job.shared;
    let is_starter = job.started;
    let child = spawn::start(program, OPTIONS).map_err(|error| match error {
        StartError::Failed(error) => spawn_error(error),
        refused @ StartError::NotTraced(_) => start_error(refused).into(),
    })?;
    let followed = Follower::new(child.tid, job).follow().inspect_err(|_| {
        // Nobody must be left behind.
        shared.kill_all();
        while let Ok(Some((tid, _))) = kernel::wait(|| shared.is_abandoned()) {
            let _ = kernel::go_on(tid, kernel::Onward::Run, libc::SIGKILL);
        }
    });
    let followed = followed.map_err(spawn_error)?;
    match child.failure() {
        None => Ok(followed),
        Some((Step::Program, error)) if !is_starter => {
            let number = error.raw_os_error().unwrap_or(0);
            Err(stage::not_executable(named, render::errno(number).unwrap_or("another error")))
        }
        Some((step, error)) => Err(spawn_error(io::Error::other(format!("{step:?}: {error}")))),
    }
}

impl Tracer for Builtin {
    fn name(&self) -> String {
        "built-in tracer".into()
    }

    fn record(&self, spec: &Spec, watch: Watch<'_>, cancel: &Cancel) -> Result<Recording, RunError> {
        match &spec.starter {
            None => self.record_program(spec, watch, cancel),
            Some(starter) => self.record_started(spec, &**starter, watch, cancel),
        }
    }
}

/// Its seed comes from the system's source of random numbers.
fn secret() -> u64 {
    RandomState::new().build_hasher().finish() | 1
}

fn spawn_error(source: io::Error) -> RunError {
    RunError::Spawn { tracer: "the built-in tracer", source }
}

/// A program that could not be started under our eyes.
fn start_error(error: StartError) -> BuiltinError {
    match error {
        StartError::NotTraced(errno) => BuiltinError::NotPermitted { message: format!("ptrace says {}", errno.desc()) },
        StartError::Failed(error) => BuiltinError::Unfit { message: error.to_string() },
    }
}
