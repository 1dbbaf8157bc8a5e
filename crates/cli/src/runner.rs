//! Runs test programs with one library under one strace.

use std::path::{Path, PathBuf};
use std::time::Duration;

use osmem_trace::run::{Cancel, Environment, Limits, RunError};
use osmem_trace::{Observation, Spec, Strace, observe};

use crate::error::Error;
use crate::layout::Layout;
use crate::{library, limits, loader};

/// Bytes of strace's log, about twenty times what the longest test makes.
const LOG_LIMIT: u64 = 16 << 20;

/// Everything the runs of one battery have in common.
#[derive(Debug)]
pub struct Runner {
    /// The witness.
    pub strace: Strace,
    /// The library under test.
    pub library: PathBuf,
    probe: PathBuf,
    timeout: Duration,
    cancel: Cancel,
}

impl Runner {
    /// Pins the limits, finds strace, and proves once that `library` can be tested: `program` is any program of the battery.
    pub fn prepare(
        layout: &Layout,
        library: PathBuf,
        program: &Path,
        timeout: Duration,
        cancel: &Cancel,
    ) -> Result<Self, Error> {
        library::validate(&library)?;
        let strace = Strace::find()?;
        limits::pin()?;
        loader::check(program, &library)?;
        Ok(Self { strace, library, probe: layout.probe.clone(), timeout, cancel: cancel.clone() })
    }

    /// One run of `program`, on `cpu` if given, with the address space laid out at random or not.
    pub fn observe(&self, program: PathBuf, cpu: Option<usize>, aslr: bool) -> Result<Observation, RunError> {
        let spec = Spec {
            program,
            args: Vec::new(),
            library: Some(self.library.clone()),
            probe: self.probe.clone(),
            environment: Environment::Pinned,
            limits: Limits { time: self.timeout, log: LOG_LIMIT, ..Limits::default() },
            aslr,
            cpu,
        };
        observe(&self.strace, &spec, &self.cancel)
    }

    /// Whether someone asked for an early end.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}
