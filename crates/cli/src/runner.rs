//! Runs test programs with one library under one witness.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use osmem_trace::run::{Cancel, Limits, Refusal, RunError, Starter};
use osmem_trace::{Observation, Spec, Witness};

use crate::error::Error;
use crate::layout::Layout;
use crate::tracers::Wanted;
use crate::{library, limits, loader};

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
    /// Who watches.
    pub witness: Witness,
    /// The library under test.
    pub library: PathBuf,
    probe: PathBuf,
    limits: Limits,
    aslr: bool,
    starter: Option<Arc<dyn Starter>>,
    cancel: Cancel,
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
        Self { witness, library, probe, limits, aslr: false, starter: Some(starter), cancel: cancel.clone() }
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
            limits: self.limits,
            aslr: aslr && self.aslr,
            starter: self.starter.clone(),
            cpu,
            refuse,
            args: program.arguments,
            ..Spec::new(program.path, self.probe.clone())
        };
        self.witness.observe(&spec, &self.cancel)
    }

    /// Whether someone asked for an early end.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}
