//! What a tracer is: something that runs a program and records what it asks the kernel for.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::error::RunError;
use crate::log::{self, LogError, Step};
use crate::mark::Key;
use crate::meter::Spent;
use crate::origin::Origin;
use crate::spec::{Cancel, Finish, Spec, Stopped};

/// Runs programs and records what they ask the kernel for.
pub trait Tracer: fmt::Debug + Send + Sync {
    /// What reports call it, with its version if it has one of its own: `strace 6.1`, `built-in tracer`.
    fn name(&self) -> String;

    /// Runs a program and records it. Blocks until it ended; `cancel` ends it early from another thread.
    ///
    /// The program's standard input is empty. The calling thread keeps its CPUs. When this returns, nothing of the program runs any more.
    /// A recording that was not stopped is whole: it begins with the start of the program and has its end.
    fn record(&self, spec: &Spec, watch: Watch<'_>, cancel: &Cancel) -> Result<Recording, RunError>;
}

/// What of a program is recorded.
#[derive(Clone, Copy, Debug)]
pub enum Watch<'a> {
    /// Calls that concern memory, processes or output, and the marks of a probe with this key, which is loaded.
    Calls(&'a Key),
    /// The same without a probe: the program makes marks of its own, with this key if it is given.
    Marks(Option<&'a Key>),
    /// How it ends, and what a filter refuses it.
    End,
}

impl<'a> Watch<'a> {
    /// The key of the probe, where there is to be one.
    pub(crate) fn probe_key(self) -> Option<&'a Key> {
        match self {
            Self::Calls(key) => Some(key),
            Self::Marks(_) | Self::End => None,
        }
    }
}

/// A run that is over.
#[derive(Debug)]
pub struct Recording {
    /// What was seen.
    pub seen: Seen,
    /// The last bytes of standard output.
    pub stdout: Vec<u8>,
    /// The last bytes of standard error: the program's, and the tracer's own if it has any to say.
    pub stderr: Vec<u8>,
    /// We ended the run.
    pub stopped: Option<Stopped>,
    /// Where system calls inside calls came from, by the lines of their steps; only the built-in tracer knows.
    pub origins: Vec<(usize, Origin)>,
    /// The time that counts.
    pub spent: Spent,
    /// From the start of the tracer to its end.
    pub elapsed: Duration,
}

/// What the end of a starter's work means for a run: it may have ended it, or never begun it.
pub(crate) fn finished(finish: Finish, stopped: &mut Option<Stopped>) -> Result<(), RunError> {
    match finish {
        Finish::Ran => {}
        Finish::Limit(what) => *stopped = stopped.or(Some(Stopped::Starter(what))),
        Finish::Failed(why) if stopped.is_none() => return Err(RunError::NotStarted { why }),
        Finish::Failed(_) => {}
    }
    Ok(())
}

/// What a tracer saw.
#[derive(Clone, Debug)]
pub enum Seen {
    /// strace's log; its last line may be incomplete if the run was stopped.
    Log(Vec<u8>),
    /// The steps themselves.
    Steps(Vec<Step<'static>>),
}

impl Recording {
    /// All that happened, in order.
    pub fn steps(&self) -> Result<Cow<'_, [Step<'_>]>, LogError> {
        match &self.seen {
            Seen::Log(log) => log::read(log, self.stopped.is_some()).map(Cow::Owned),
            Seen::Steps(steps) => Ok(Cow::Borrowed(steps)),
        }
    }
}

impl Seen {
    /// What was seen from this line on (counted from 1), as strace writes it.
    pub fn raw(&self, line: usize) -> String {
        let skipped = line.saturating_sub(1);
        match self {
            Self::Log(log) => {
                let lines = log.split_inclusive(|byte| *byte == b'\n').skip(skipped);
                lines.map(String::from_utf8_lossy).collect()
            }
            Self::Steps(steps) => {
                steps.iter().filter(|step| step.line > skipped).map(|step| format!("{step}\n")).collect()
            }
        }
    }
}
