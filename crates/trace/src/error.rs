//! What can go wrong with a run that is no fault of the library: the tracers' errors, and those of a run.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::log::LogError;

/// The run could not be observed: never the library's fault.
#[derive(Debug, Error)]
pub enum RunError {
    /// strace is unusable.
    #[error(transparent)]
    Strace(#[from] StraceError),
    /// The built-in tracer is unusable.
    #[error(transparent)]
    Builtin(#[from] BuiltinError),
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
    /// The probe cannot get into it.
    #[error("{} cannot be traced: {why}", program.display())]
    NotTraceable {
        /// As given.
        program: PathBuf,
        /// Why not, and what to do.
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
    /// The tracer cannot be started or waited for.
    #[error("{tracer} cannot be run: {source}")]
    Spawn {
        /// Its name.
        tracer: &'static str,
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
    #[error("the log of the run ends before the program does: {why}")]
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
    /// Calls cannot be refused as wanted.
    #[error("system calls cannot be refused: {why}")]
    NotRefused {
        /// Why not.
        why: String,
    },
    /// The machine gave the program no time, again and again.
    #[error("this machine is too busy: in {:.0} s a program could not use {:.1} s of its own; end what else runs here, or use fewer jobs (-j)", waited.as_secs_f64(), time.as_secs_f64())]
    Starved {
        /// The time that it was to have.
        time: Duration,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The two tracers saw different things.
    #[error("the tracers disagree ({} beside {}), though each sees the same in every run, which is a bug of one of them:\n{difference}", names[0], names[1])]
    Disagreement {
        /// Whose they are.
        names: [String; 2],
        /// The first difference, side by side.
        difference: String,
    },
}

/// The built-in tracer cannot be used.
#[derive(Debug, Error)]
pub enum BuiltinError {
    /// The system forbids tracing.
    #[error(
        "the built-in tracer may not trace here: {message}; in a container run with --cap-add=SYS_PTRACE, elsewhere set kernel.yama.ptrace_scope to 1 or less"
    )]
    NotPermitted {
        /// What the system said.
        message: String,
    },
    /// The system cannot do what is needed.
    #[error("the built-in tracer does not work here: {message}; it needs Linux 5.3 or later")]
    Unfit {
        /// What is missing.
        message: String,
    },
}

/// strace cannot be used.
#[derive(Debug, Error)]
pub enum StraceError {
    /// It is not installed.
    #[error(
        "strace is not on the PATH: install it with `make deps` (Debian, Ubuntu: apt-get install strace; Fedora: dnf install strace)"
    )]
    Missing,
    /// It is too old.
    #[error("{} is strace {found}, which is too old: install strace 5.0 or newer with `make deps`", path.display())]
    TooOld {
        /// The executable.
        path: PathBuf,
        /// Its version.
        found: Version,
    },
    /// It does not say what it is.
    #[error("{} does not behave like strace: {problem}; install strace with `make deps`", path.display())]
    Strange {
        /// The executable.
        path: PathBuf,
        /// What it did instead.
        problem: String,
    },
    /// The system forbids tracing.
    #[error(
        "strace may not trace here: {message}; in a container run with --cap-add=SYS_PTRACE, elsewhere set kernel.yama.ptrace_scope to 1 or less"
    )]
    NotPermitted {
        /// What strace said.
        message: String,
    },
}

/// A version such as 6.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 6
    pub major: u32,
    /// 1
    pub minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
