//! Tests whose programs are refused memory, as it was asked for.

use std::time::Instant;

use osmem_trace::run::{Refusal, Stopped};

use super::{Check, Judged, not_run, readings};
use crate::error::Error;
use crate::oracle;
use crate::record::{Injected, Judge, TestRecord};
use crate::refused::{self, Measure};
use crate::suite::Test;
use crate::trial::Programs;
use crate::verdict;

impl Check<'_> {
    /// What a run of `test` is held against.
    fn measure(&self, test: &Test, unexpected: Option<Refusal>) -> Measure {
        Measure { params: oracle::params(self.header), allowed: readings(test, self.own), unexpected }
    }

    /// Runs and judges one test with a refusal; `None` if it was interrupted.
    pub(super) fn injected(
        &self,
        test: &Test,
        programs: &Programs,
        refusal: Refusal,
        cpu: Option<usize>,
    ) -> Option<Result<Judged, Error>> {
        let start = Instant::now();
        let seen = match self.runner.refusing(programs.base.clone(), cpu, true, refusal) {
            Ok(seen) => seen,
            Err(error) => return Some(not_run(test, error, start)),
        };
        if seen.stopped == Some(Stopped::Cancelled) {
            return None;
        }
        let run = oracle::run_of(&test.name, &seen, true);
        let verdict = refused::judge(&seen, &run, &self.measure(test, Some(refusal)));
        let (failed, pardoned) = (verdict.outcome.is_failure(), verdict.pardoned.is_some());
        let record = TestRecord {
            header: self.header,
            judged_by: Judge::Oracle,
            difference: verdict.difference,
            output: if failed { verdict::last_lines(&seen.stderr) } else { None },
            injected: Some(Injected { refused: refused::reached(&seen, refusal), pardoned: verdict.pardoned }),
            ..TestRecord::new(test, verdict.outcome, verdict.reason, start.elapsed())
        };
        let run = if pardoned { refused::pardon(run) } else { run };
        Some(Ok(self.kept(record, &seen, run)))
    }
}
