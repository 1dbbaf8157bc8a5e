//! A program in, an observation out.

mod check;
mod command;
mod evaluate;
mod stage;
mod started;

use std::ffi::OsString;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::log::{self, LogError};
use crate::mark::Key;
use crate::model::{End, Function, Trace};
use crate::record::{Placement, record};
use crate::strace::{Strace, StraceError};
use stage::Stage;

pub use crate::record::{Ask, Cancel, Limits, Recording, Stopped};
pub use crate::window::{EndProof, Forged, Forgery};
pub use stage::fits_search_path;

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The program. A name without a slash is looked for on the PATH.
    pub program: PathBuf,
    /// Its arguments, without its name.
    pub args: Vec<OsString>,
    /// The library to load as `libosmem.so`; `None` leaves it to the program's own search path.
    pub library: Option<PathBuf>,
    /// `libosmem_probe.so`; [`record_log`] does not look at it.
    pub probe: PathBuf,
    /// Which variables the program sees.
    pub environment: Environment,
    /// When to end it.
    pub limits: Limits,
    /// Whether the kernel lays out the address space at random.
    pub aslr: bool,
    /// Folders that a starter must let the program write to; without one nothing is in its way.
    pub writable: Vec<PathBuf>,
    /// What starts the program in strace's stead; `None`: strace itself.
    pub starter: Option<Arc<dyn Starter>>,
    /// The CPU to run on, strace and program together (a mark is about ten times cheaper so); `None`: any.
    pub cpu: Option<usize>,
}

/// Something that starts a traced program, a box for instance: its own system calls, and those of the processes it makes on the
/// way, are no part of the log.
pub trait Starter: fmt::Debug + Send + Sync {
    /// Where strace's log may lie, in a private folder of its own.
    fn folder(&self) -> &Path;

    /// Prepares for one run of a program.
    fn start(&self, program: &Start<'_>) -> io::Result<Started>;
}

/// A program to be started.
#[derive(Debug)]
pub struct Start<'a> {
    /// The program, absolute.
    pub program: &'a Path,
    /// Its arguments, without its name.
    pub args: &'a [OsString],
    /// The probe, where there is to be one.
    pub probe: Option<&'a Path>,
    /// The library to load as `libosmem.so`.
    pub library: Option<&'a Path>,
    /// Folders that it must be able to write to.
    pub writable: &'a [PathBuf],
    /// Variables that must be set, those of [`Environment::Pinned`] among them.
    pub variables: Vec<(&'static str, OsString)>,
}

/// How a program is started.
pub struct Started {
    /// The command that strace runs: its first process does not become the program, a process of its making does.
    pub command: Vec<OsString>,
    /// Its standard input.
    pub input: OwnedFd,
    /// Ends the program, and all that it made.
    pub stop: Ask,
    /// Asked when all is over: why the run says nothing about the program, or which limit ended it.
    pub finish: Box<dyn FnOnce() -> Finish + Send>,
}

/// How a start came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The program ran.
    Ran,
    /// The starter ended it: this limit was reached.
    Limit(&'static str),
    /// It never ran.
    Failed(String),
}

/// Which variables a traced program sees, besides those that load the probe and the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// A short fixed list: what someone has set must not change a verdict.
    Pinned,
    /// All that we see.
    Inherited,
}

/// What was seen of a run.
#[derive(Clone, Debug)]
pub struct Observation {
    /// As far as the run got.
    pub trace: Trace,
    /// strace's log from the first mark on (all of it where there is none).
    pub raw: String,
    /// The program itself ended the run, with this status; `None`: the end is not proven.
    pub proof: Option<EndProof>,
    /// The probe spoke: it was loaded.
    pub began: bool,
    /// How many calls were announced.
    pub calls: usize,
    /// Marks that the probe did not make.
    pub forged: Vec<Forged>,
    /// Functions that the library lacks.
    pub missing: Vec<Function>,
    /// We ended the run; the trace is then only a beginning.
    pub stopped: Option<Stopped>,
    /// System calls that a filter refused the program or a process of its making.
    pub refused: Vec<String>,
    /// The last bytes of the program's standard output.
    pub stdout: Vec<u8>,
    /// The last bytes of its standard error.
    pub stderr: Vec<u8>,
    /// From the start of strace to its end.
    pub elapsed: Duration,
}

/// The run could not be observed: never the library's fault.
#[derive(Debug, Error)]
pub enum RunError {
    /// strace is unusable.
    #[error(transparent)]
    Strace(#[from] StraceError),
    /// There is no such program.
    #[error("{} does not exist{}", program.display(), if program.components().count() == 1 { " on the PATH" } else { "" })]
    ProgramNotFound {
        /// As given.
        program: PathBuf,
    },
    /// It cannot be executed.
    #[error("{} cannot be executed: {why}", program.display())]
    NotExecutable {
        /// As given.
        program: PathBuf,
        /// Why not.
        why: String,
    },
    /// The probe or the library is not there.
    #[error("{} cannot be loaded: {source}", path.display())]
    Library {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The loader splits its search path at these characters.
    #[error("the temporary folder {} has a `:`, `;` or `$` in its path, which the loader cannot read: set TMPDIR to another one", path.display())]
    TemporaryPath {
        /// The folder.
        path: PathBuf,
    },
    /// The folder of the run cannot be made or filled.
    #[error("the temporary folder {} cannot be used: {source} (TMPDIR names another one)", path.display())]
    Temporary {
        /// The folder, or the one that it was to be made in.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// strace cannot be started or waited for.
    #[error("strace cannot be run: {source}")]
    Spawn {
        /// Why not.
        source: io::Error,
    },
    /// strace gave up.
    #[error("strace failed: {message}")]
    StraceFailed {
        /// What it said.
        message: String,
    },
    /// The log has a line that we do not know.
    #[error("strace's log: {0}")]
    Log(#[from] LogError),
    /// The log ends before the program does.
    #[error("strace's log ends before the program does: {why}")]
    LogIncomplete {
        /// The likely reason.
        why: String,
    },
    /// What was to start the program did not.
    #[error("the program could not be started in its box: {why}")]
    NotStarted {
        /// What it said.
        why: String,
    },
    /// The probe speaks another version of the protocol.
    #[error("the probe speaks version {found} of the marks, this program version {expected}: rebuild both (`make`)", expected = crate::mark::VERSION)]
    ProbeVersion {
        /// What it said.
        found: String,
    },
}

/// Runs a program and says what was seen. Blocks until it ended; `cancel` ends it early from another thread.
///
/// The program's standard input is empty. The calling thread keeps its CPUs.
pub fn observe(strace: &Strace, spec: &Spec, cancel: &Cancel) -> Result<Observation, RunError> {
    // Its seed comes from the system's source of random numbers.
    let key = Key::new(RandomState::new().build_hasher().finish());
    let (recording, stage) = record_run(strace, spec, Some(&key), cancel)?;
    evaluate::evaluate(recording, &key, &stage.log(), &spec.program)
}

/// Runs a program as [`observe`] does, but without the probe, and gives the log as it is, for [`crate::batch`].
///
/// strace had no trouble with the log, which begins with the start of the program and ends after its end, unless the run was
/// stopped; the lines between are not read. They have no instruction pointers.
pub fn record_log(strace: &Strace, spec: &Spec, cancel: &Cancel) -> Result<Recording, RunError> {
    let (recording, stage) = record_run(strace, spec, None, cancel)?;
    check::recording(&recording, &stage.log(), &spec.program)?;
    Ok(recording)
}

/// What a program did that was watched from afar.
#[derive(Debug)]
pub struct Glimpse {
    /// How it ended; `None` if we ended it.
    pub end: Option<End>,
    /// We ended it.
    pub stopped: Option<Stopped>,
    /// System calls that a filter refused it or a process of its making.
    pub refused: Vec<String>,
    /// The last bytes of its standard output.
    pub stdout: Vec<u8>,
    /// The last bytes of its standard error.
    pub stderr: Vec<u8>,
}

/// Runs a program, by its starter, with hardly any of its system calls traced: how it ended is all that is asked.
pub fn glimpse(strace: &Strace, spec: &Spec, cancel: &Cancel) -> Result<Glimpse, RunError> {
    let Some(starter) = &spec.starter else {
        return Err(RunError::NotStarted { why: "there is nothing to start it".into() });
    };
    let (recording, _stage) = start_and_record(strace, spec, &**starter, command::GLIMPSED, None, cancel)?;
    let steps = log::read(&recording.log, true)?;
    let process = steps.first().map(|step| step.thread);
    let ends = |step: &log::Step<'_>| match step.what {
        log::What::Exited(status) => Some(End::Exit(status & 0xff)),
        log::What::Killed(signal) => Some(End::Killed(signal.into())),
        _ => None,
    };
    let end = steps.iter().rev().filter(|step| Some(step.thread) == process).find_map(ends);
    Ok(Glimpse {
        end: end.filter(|_| recording.stopped.is_none()),
        stopped: recording.stopped,
        refused: evaluate::refused(&steps),
        stdout: recording.stdout,
        stderr: recording.stderr,
    })
}

/// Runs a program, with the probe where there is a key for it.
fn record_run(
    strace: &Strace,
    spec: &Spec,
    key: Option<&Key>,
    cancel: &Cancel,
) -> Result<(Recording, Stage), RunError> {
    if let Some(starter) = &spec.starter {
        return start_and_record(strace, spec, &**starter, command::WITNESSED, key, cancel);
    }
    let program = stage::find_program(&spec.program)?;
    let stage = Stage::set(spec, key.is_some())?;
    let command = command::strace(strace, spec, &program, &stage, key);
    let placement = Placement { aslr: spec.aslr, cpu: spec.cpu };
    let recording = record(command, Stdio::null(), &stage.log(), &spec.limits, placement, cancel, None)
        .map_err(|source| RunError::Spawn { source })?;
    Ok((recording, stage))
}

/// The same for a program that something else starts.
fn start_and_record(
    strace: &Strace,
    spec: &Spec,
    starter: &dyn Starter,
    traced: &[&str],
    key: Option<&Key>,
    cancel: &Cancel,
) -> Result<(Recording, Stage), RunError> {
    let spawn = |source| RunError::Spawn { source };
    let stage = Stage::bare(starter.folder())?;
    let started = starter.start(&command::start(spec, key)).map_err(spawn)?;
    let command = command::starting(strace, &started.command, &stage, traced, key.is_some());
    let placement = Placement { aslr: spec.aslr, cpu: spec.cpu };
    let mut recording =
        record(command, started.input.into(), &stage.log(), &spec.limits, placement, cancel, Some(started.stop))
            .map_err(spawn)?;
    recording.log = started::program_only(&recording.log);
    match (started.finish)() {
        Finish::Ran => {}
        Finish::Limit(what) => recording.stopped = recording.stopped.or(Some(Stopped::Starter(what))),
        Finish::Failed(why) if recording.stopped.is_none() => return Err(RunError::NotStarted { why }),
        Finish::Failed(_) => {}
    }
    if recording.stopped.is_none() && recording.log.is_empty() {
        let words = String::from_utf8_lossy(&recording.stderr).trim().to_owned();
        return Err(RunError::StraceFailed { message: format!("its log is empty; {words}") });
    }
    Ok((recording, stage))
}
