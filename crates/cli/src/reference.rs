//! The calls of programs that have no golden trace: our own library shows them, once for each program and its arguments.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use osmem_trace::run::RunError;

use crate::due::Due;
use crate::runner::{Program, Runner};
use crate::verdict;

/// The calls that are known, by program and arguments.
type Known = HashMap<(PathBuf, Vec<OsString>), Arc<Due>>;

/// Runs programs with our own library.
#[derive(Debug)]
pub struct Reference {
    runner: Runner,
    known: Mutex<Known>,
}

impl Reference {
    /// A reference whose runner has our own library.
    pub fn new(runner: Runner) -> Self {
        Self { runner, known: Mutex::default() }
    }

    /// The calls of `program`, seen on `cpu` if they are not known yet.
    pub fn due(&self, program: &Program, cpu: Option<usize>) -> Result<Arc<Due>, RunError> {
        let key = (program.path.clone(), program.arguments.clone());
        // One at a time: all of them run as the same user, whose processes are ended with each box.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(due) = known.get(&key) {
            return Ok(due.clone());
        }
        let seen = self.runner.observe(program.clone(), cpu, false)?;
        if let Some(fault) = verdict::incomplete(&seen) {
            let why = format!("our own library does not show the calls of the program: {}", fault.reason);
            return Err(RunError::Spawn { tracer: "the reference", source: io::Error::other(why) });
        }
        let due = Arc::new(Due::in_trace(&seen.trace));
        known.insert(key, due.clone());
        Ok(due)
    }
}
