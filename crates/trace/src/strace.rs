//! strace as a tracer: run within limits, its log taken as it is.

mod check;
mod command;
mod find;
mod record;
mod refuse;
mod started;

use std::process::Stdio;

use crate::environment;
use crate::error::RunError;
use crate::place::Placement;
use crate::spec::{Cancel, Spec, Starter};
use crate::stage::{self, Stage};
use crate::tracer::{Recording, Seen, Tracer, Watch, finished};
use record::{Log, record};

pub use crate::error::{StraceError, Version};
pub use find::Strace;

impl Tracer for Strace {
    fn name(&self) -> String {
        format!("strace {}", self.version)
    }

    fn record(&self, spec: &Spec, watch: Watch<'_>, cancel: &Cancel) -> Result<Recording, RunError> {
        match spec.refuse {
            None => self.run(spec, watch, &[], cancel).map(|(recording, _)| recording),
            Some(refusal) => refuse::record(self, spec, watch, refusal, cancel),
        }
    }
}

impl Strace {
    /// Runs a program, strace having these further options; also the log of whatever started it.
    fn run(
        &self,
        spec: &Spec,
        watch: Watch<'_>,
        extra: &[String],
        cancel: &Cancel,
    ) -> Result<(Recording, Vec<u8>), RunError> {
        let (mut log, stage) = match &spec.starter {
            None => self.record_program(spec, watch, extra, cancel)?,
            Some(starter) => self.record_started(spec, &**starter, watch, extra, cancel)?,
        };
        let mut starter = Vec::new();
        if spec.starter.is_some() {
            (log.text, starter) = started::parted(&log.text);
            if log.stopped.is_none() && log.text.is_empty() {
                let words = String::from_utf8_lossy(&log.stderr).trim().to_owned();
                return Err(RunError::StraceFailed { message: format!("its log is empty; {words}") });
            }
        }
        check::log(&log, &stage.log(), &spec.program)?;
        let Log { text, stdout, stderr, stopped, spent, elapsed, .. } = log;
        let (seen, origins) = (Seen::Log(text), Vec::new());
        Ok((Recording { seen, stdout, stderr, stopped, origins, spent, elapsed }, starter))
    }

    fn record_program(
        &self,
        spec: &Spec,
        watch: Watch<'_>,
        extra: &[String],
        cancel: &Cancel,
    ) -> Result<(Log, Stage), RunError> {
        let program = stage::find_program(&spec.program)?;
        let probed = watch.probe_key().is_some();
        if probed {
            stage::require_probeable(&program)?;
        }
        let stage = Stage::set(spec, probed)?;
        let command = command::strace(self, spec, &program, &stage, watch, extra);
        let placement = Placement { aslr: spec.aslr, cpu: spec.cpu };
        let log = record(command, Stdio::null(), &stage.log(), &spec.limits, placement, cancel, None).map_err(spawn)?;
        Ok((log, stage))
    }

    /// The same for a program that something else starts.
    fn record_started(
        &self,
        spec: &Spec,
        starter: &dyn Starter,
        watch: Watch<'_>,
        extra: &[String],
        cancel: &Cancel,
    ) -> Result<(Log, Stage), RunError> {
        let stage = Stage::bare(starter.folder())?;
        let started = starter.start(&environment::start(spec, watch.probe_key(), None)).map_err(spawn)?;
        let command = command::starting(self, &started.command, &stage, watch, extra);
        let placement = Placement { aslr: spec.aslr, cpu: spec.cpu };
        let stop = Some(started.stop);
        let mut log = record(command, started.input.into(), &stage.log(), &spec.limits, placement, cancel, stop)
            .map_err(spawn)?;
        finished((started.finish)(), &mut log.stopped)?;
        Ok((log, stage))
    }
}

fn spawn(source: std::io::Error) -> RunError {
    RunError::Spawn { tracer: "strace", source }
}
