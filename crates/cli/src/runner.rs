//! Runs test programs with one library under one witness.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use osmem_trace::model::{Function, Outcome};
use osmem_trace::run::{Cancel, Limits, Refusal, RunError, Starter, Stopped};
use osmem_trace::{Observation, Spec, Witness};

use crate::error::Error;
use crate::layout::Layout;
use crate::tracers::Wanted;
use crate::{library, limits, loader};

/// After so many runs that hung in the same way, the others have less time.
const MOST_HUNG: u32 = 3;
/// The time that they have then.
const SHORT: Duration = Duration::from_millis(500);

/// Bytes of a tracer's log, about twenty times what the longest test makes.
const LOG_LIMIT: u64 = 16 << 20;

/// A program with its arguments.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its file.
    pub path: PathBuf,
    /// Its arguments, without its name.
    pub arguments: Vec<OsString>,
}

impl From<PathBuf> for Program {
    fn from(path: PathBuf) -> Self {
        Self { path, arguments: Vec::new() }
    }
}

/// Everything the runs of one battery have in common.
#[derive(Debug)]
pub struct Runner {
    /// Tracer of the run.
    pub witness: Witness,
    /// The library under test.
    pub library: PathBuf,
    probe: PathBuf,
    limits: Limits,
    aslr: bool,
    starter: Option<Arc<dyn Starter>>,
    cancel: Cancel,
    so_far: Mutex<SoFar>,
}

/// What is known of the runs that are over.
#[derive(Debug, Default)]
struct SoFar {
    /// How many did not end in time, by where they were.
    hung: BTreeMap<&'static str, u32>,
    /// The time that all of them used.
    spent: Duration,
}

impl Runner {
    /// Pins the limits, finds a tracer, and proves once that `library` can be tested: `program` is any program of the battery.
    pub fn prepare(
        layout: &Layout,
        library: PathBuf,
        program: &Path,
        (timeout, wanted): (Duration, Wanted),
        cancel: &Cancel,
    ) -> Result<Self, Error> {
        library::validate(&library)?;
        let witness = wanted.witness()?;
        limits::pin()?;
        loader::check(program, &library)?;
        let limits = Limits { time: timeout, log: LOG_LIMIT, ..Limits::default() };
        Ok(Self {
            witness,
            library,
            probe: layout.probe.clone(),
            limits,
            aslr: true,
            starter: None,
            cancel: cancel.clone(),
            so_far: Mutex::default(),
        })
    }

    /// For programs that `starter` starts. The library must have been validated; nobody has tried to load it yet.
    pub fn boxed(
        witness: Witness,
        (library, probe): (PathBuf, PathBuf),
        limits: Limits,
        starter: Arc<dyn Starter>,
        cancel: &Cancel,
    ) -> Self {
        // The same addresses in every run, since a program may print some.
        let cancel = cancel.clone();
        Self { witness, library, probe, limits, aslr: false, starter: Some(starter), cancel, so_far: Mutex::default() }
    }

    /// One run of `program`, on `cpu` if given, with the address space laid out at random or not.
    pub fn observe(
        &self,
        program: impl Into<Program>,
        cpu: Option<usize>,
        aslr: bool,
    ) -> Result<Observation, RunError> {
        self.run(program.into(), cpu, aslr, None)
    }

    /// The same with system calls that are refused.
    pub fn refusing(
        &self,
        program: impl Into<Program>,
        cpu: Option<usize>,
        aslr: bool,
        refusal: Refusal,
    ) -> Result<Observation, RunError> {
        self.run(program.into(), cpu, aslr, Some(refusal))
    }

    fn run(
        &self,
        program: Program,
        cpu: Option<usize>,
        aslr: bool,
        refuse: Option<Refusal>,
    ) -> Result<Observation, RunError> {
        let spec = Spec {
            library: Some(self.library.clone()),
            limits: Limits { time: self.time(), ..self.limits },
            aslr: aslr && self.aslr,
            starter: self.starter.clone(),
            cpu,
            refuse,
            args: program.arguments,
            ..Spec::new(program.path, self.probe.clone())
        };
        let seen = self.witness.observe(&spec, &self.cancel)?;
        let mut so_far = self.so_far();
        so_far.spent += seen.spent.time;
        if seen.stopped == Some(Stopped::Timeout) {
            *so_far.hung.entry(place(&seen)).or_default() += 1;
        }
        Ok(seen)
    }

    fn so_far(&self) -> MutexGuard<'_, SoFar> {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time that the next run has: less than the limit once several have hung.
    pub fn time(&self) -> Duration {
        if self.so_far().hung.values().any(|count| *count >= MOST_HUNG) {
            SHORT.min(self.limits.time)
        } else {
            self.limits.time
        }
    }

    /// The time that all runs have used.
    pub fn spent(&self) -> Duration {
        self.so_far().spent
    }

    /// That some runs had less time, if so, and why.
    pub fn shortened(&self) -> Option<String> {
        let so_far = self.so_far();
        let (place, _) = so_far.hung.iter().find(|(_, count)| **count >= MOST_HUNG)?;
        let (short, usual) = (SHORT.min(self.limits.time).as_secs_f64(), self.limits.time.as_secs_f64());
        (short < usual).then(|| {
            format!(
                "{MOST_HUNG} runs did not end in time, {place}: those after them had {short} s instead of {usual} s"
            )
        })
    }

    /// Whether someone asked for an early end.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

/// Where a run was that did not end in time, as far as that does not depend on the machine.
fn place(seen: &Observation) -> &'static str {
    if !seen.spent.stuck {
        return "on their way from call to call";
    }
    match seen.trace.calls().find(|call| call.result == Outcome::Never).map(|call| call.request.function()) {
        Some(Function::Malloc) => "in os_malloc",
        Some(Function::Calloc) => "in os_calloc",
        Some(Function::Realloc) => "in os_realloc",
        Some(Function::Free) => "in os_free",
        None => "outside the library",
    }
}
