//! A test of one library from its first run to its record: by itself, with each refusal that it has to bear, with other sizes.

use std::time::Duration;

use osmem_oracle::readings::Allowed;
use osmem_oracle::run::Run;
use osmem_trace::run::{RunError, Stopped};
use osmem_trace::{Observation, Trace};

use crate::args::Against;
use crate::battery::Battery;
use crate::due::Due;
use crate::oracle;
use crate::record::{Outcome, TestRecord};
use crate::reference::Reference;
use crate::refused::{Borne, Measure, bear};
use crate::runner::{Program, Runner};
use crate::sizes::{Sizes, SizesError};
use crate::suite::Test;
use crate::verdict::{self, Expected};

/// The programs of one test, with the numbers that they count with.
#[derive(Debug)]
pub struct Programs {
    /// The sizes of the golden trace, or those nearest to them for another header.
    pub base: Program,
    /// Other sizes, where the test has any and a seed is given.
    pub varied: Option<Program>,
}

impl Programs {
    /// Resolves the sizes of the program of `test` for headers of `header` bytes.
    pub fn of(battery: &Battery, test: &Test, header: u64, seed: Option<u64>) -> Result<Self, SizesError> {
        let path = battery.program(test);
        let sizes = Sizes::of(&path, &test.program)?;
        let params = oracle::params(header);
        let program = |arguments: Vec<String>| Program {
            path: path.clone(),
            arguments: arguments.into_iter().map(Into::into).collect(),
        };
        let varied = seed.filter(|_| sizes.vary()).map(|seed| sizes.arguments(&params, Some(seed)));
        Ok(Self { base: program(sizes.arguments(&params, None)?), varied: varied.transpose()?.map(program) })
    }
}

/// All that a test is run and judged with.
pub struct Trial<'a> {
    /// Runs the programs.
    pub runner: &'a Runner,
    /// The test.
    pub test: &'a Test,
    /// Its programs.
    pub programs: &'a Programs,
    /// Its golden trace.
    pub golden: &'a Trace,
    /// The header of the library, in bytes.
    pub header: u64,
    /// The readings that are right.
    pub allowed: Allowed,
    /// The golden trace, or the contract as a model alone.
    pub against: Against,
    /// The processor to run on, if it must be a certain one.
    pub cpu: Option<usize>,
    /// Whether the address space is laid out at random.
    pub aslr: bool,
    /// Tells the calls of programs that have no golden trace; without it those are believed.
    pub reference: Option<&'a Reference>,
}

/// A test that ran to its end.
pub struct Tried {
    /// The outcome.
    pub record: TestRecord,
    /// The run that decided.
    pub run: Run,
    /// The same as it was seen.
    pub seen: Observation,
}

impl Trial<'_> {
    /// Runs the test; `None` if it was interrupted.
    pub fn run(&self) -> Result<Option<Tried>, RunError> {
        let seen = self.runner.observe(self.programs.base.clone(), self.cpu, self.aslr)?;
        self.go_on(seen)
    }

    /// Goes on after a first run that was seen already.
    pub fn go_on(&self, seen: Observation) -> Result<Option<Tried>, RunError> {
        if seen.stopped == Some(Stopped::Cancelled) {
            return Ok(None);
        }
        let golden = self.programs.base.arguments.is_empty().then_some(self.golden);
        let mut tried = self.judge(seen, golden, &self.programs.base)?;
        if tried.record.outcome == Outcome::Pass && self.test.refusals {
            let measure = Measure { params: oracle::params(self.header), allowed: self.allowed, unexpected: None };
            let (program, place) = (&self.programs.base, (self.cpu, self.aslr));
            let due = Due::in_trace(&tried.seen.trace);
            match bear(self.runner, program, (&tried.seen, &due), place, &measure, &mut tried.record)? {
                Borne::All => {}
                Borne::Interrupted => return Ok(None),
                Borne::Not(failed) => (tried.run, tried.seen) = (failed.run, failed.seen),
            }
        }
        let Some(varied) = self.programs.varied.as_ref().filter(|_| tried.record.outcome == Outcome::Pass) else {
            return Ok(Some(tried));
        };
        let seen = self.runner.observe(varied.clone(), self.cpu, self.aslr)?;
        if seen.stopped == Some(Stopped::Cancelled) {
            return Ok(None);
        }
        let elapsed = tried.seen.elapsed + seen.elapsed;
        let mut other = self.judge(seen, None, varied)?;
        tried.record.varied = Some(other.record.outcome == Outcome::Pass);
        if other.record.outcome != Outcome::Pass {
            other.record.reason = other.record.reason.map(|reason| format!("with other sizes: {reason}"));
            other.record.varied = Some(false);
            tried = other;
        }
        tried.record.lasted(elapsed);
        Ok(Some(tried))
    }

    fn judge(&self, seen: Observation, golden: Option<&Trace>, program: &Program) -> Result<Tried, RunError> {
        let run = oracle::run_of(&self.test.name, &seen, true);
        let expected = Expected::of(golden, self.header, self.allowed, self.against);
        let mut record = verdict::judge(self.test, &seen, &run, &expected);
        record.arguments = program.arguments.iter().map(|text| text.to_string_lossy().into_owned()).collect();
        if record.outcome == Outcome::Pass {
            let differs = match (golden, self.reference) {
                (Some(golden), _) => Due::in_trace(golden).differs(&seen.trace),
                (None, Some(reference)) => reference.due(program, self.cpu)?.differs(&seen.trace),
                (None, None) => None,
            };
            if let Some(reason) = differs {
                record.fail(Outcome::Fail, reason);
                record.feigned = true;
            }
        }
        Ok(Tried { record, run, seen })
    }
}

/// A test that could not be run.
pub fn unfit(test: &Test, reason: String, elapsed: Duration) -> TestRecord {
    TestRecord::new(test, Outcome::InfraError, Some(reason), elapsed)
}
