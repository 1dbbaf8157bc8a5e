//! A program in, an observation out.

mod asked;
mod both;
mod evaluate;

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use crate::log;
use crate::mark::Key;
use crate::model::{End, Function, Trace};

pub use crate::error::RunError;
pub use crate::meter::Spent;
pub use crate::origin::{Module, Origin};
pub use crate::spec::{
    Ask, Cancel, Environment, Finish, Instruction, Limits, Refusal, Refused, Spec, Start, Started, Starter, Stopped,
};
pub use crate::stage::{fits_search_path, search_path};
pub use crate::tracer::{Recording, Seen, Tracer, Watch};
pub use crate::window::{EndProof, Forged, Forgery};
pub use asked::Asked;
pub use both::Witness;

/// What was seen of a run.
#[derive(Clone, Debug)]
pub struct Observation {
    /// As far as the run got.
    pub trace: Trace,
    /// What was recorded from the first mark on (all of it where there is none), as strace writes it.
    pub raw: Raw,
    /// The program itself ended the run, with this status; `None`: the end is not proven.
    pub proof: Option<EndProof>,
    /// The probe spoke: it was loaded.
    pub began: bool,
    /// Another run under the same tracer, if that was not alike: see [`Witness::observe`].
    pub other: Option<Trace>,
    /// How many calls were announced.
    pub calls: usize,
    /// Marks that the probe did not make.
    pub forged: Vec<Forged>,
    /// Functions that the library lacks.
    pub missing: Vec<Function>,
    /// What the program and the library asked of the system and could be refused: see [`Spec::refuse`].
    pub asked: Vec<Asked>,
    /// We ended the run; the trace is then only a beginning.
    pub stopped: Option<Stopped>,
    /// System calls that a filter, or the tracer, refused the program or a process of its making.
    pub refused: Vec<String>,
    /// Where system calls inside calls came from; only the built-in tracer knows.
    pub origins: Vec<Source>,
    /// The last bytes of the program's standard output.
    pub stdout: Vec<u8>,
    /// The last bytes of its standard error.
    pub stderr: Vec<u8>,
    /// The time that counts: see [`Limits::time`].
    pub spent: Spent,
    /// The limit on it.
    pub time: Duration,
    /// From the start of the tracer to its end.
    pub elapsed: Duration,
}

/// What was recorded, from some line on; it is written out only where it is wanted.
#[derive(Clone, Debug)]
pub struct Raw {
    seen: Seen,
    from: usize,
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.seen.raw(self.from))
    }
}

/// Where a system call inside a call came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The number of the call, from 0.
    pub call: usize,
    /// The number of the event in it, from 0.
    pub event: usize,
    /// Where it came from.
    pub origin: Origin,
}

/// Runs a program with the probe and says what was seen. Blocks until it ended; `cancel` ends it early from another thread.
///
/// One run that was stopped as starved is no error here; [`Witness::observe`] tries again.
///
/// The program's standard input is empty. The calling thread keeps its CPUs.
pub fn observe(tracer: &dyn Tracer, spec: &Spec, cancel: &Cancel) -> Result<Observation, RunError> {
    // Its seed comes from the system's source of random numbers.
    let key = Key::new(RandomState::new().build_hasher().finish() | 1);
    let recording = tracer.record(spec, Watch::Calls(&key), cancel)?;
    evaluate::evaluate(recording, spec.limits.time, &key)
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

/// Runs a program with hardly any of its system calls traced: how it ended is all that is asked.
pub fn glimpse(tracer: &dyn Tracer, spec: &Spec, cancel: &Cancel) -> Result<Glimpse, RunError> {
    let recording = tracer.record(spec, Watch::End, cancel)?;
    let steps = recording.steps()?;
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
        stdout: recording.stdout.clone(),
        stderr: recording.stderr.clone(),
    })
}
