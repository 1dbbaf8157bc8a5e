//! What the oracle says of runs that were observed: where they leave the contract, and why.

use std::collections::BTreeSet;

use osmem_oracle::causes::Cause;
use osmem_oracle::diagnose::{Background, Diagnosis, Mistake, diagnose};
use osmem_oracle::follow::{Divergence, Follower};
use osmem_oracle::infer::{self, Inferred};
use osmem_oracle::params::Params;
use osmem_oracle::readings::{Allowed, Readings};
use osmem_oracle::run::{Check, End, Run, Step};
use osmem_replay::check;
use osmem_trace::Observation;
use osmem_trace::model;
use osmem_trace::run::{EndProof, Source, Stopped};
use serde::Serialize;

use crate::convert;
use crate::record::TestRecord;
use crate::rules::Rule;

/// A longer run is left out of the search for causes, as long as there are others.
const LONG_RUN: usize = 4000;

/// A cause, as reports show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CauseRecord {
    /// Its name in the closed list of docs/causes.md.
    pub id: &'static str,
    /// The mistake and what is right, for the author of the library.
    pub sentence: &'static str,
    /// The rules it touches, the most important one first.
    pub rules: Vec<Rule>,
    /// Failing runs that show it.
    pub explained: usize,
    /// All failing runs.
    pub runs: usize,
    /// It explains as much as the one before it, in its place; otherwise it is a mistake of its own.
    pub equal: bool,
}

/// The mistakes that runs show.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// All of them, each once, the one that explains most first.
    pub causes: Vec<CauseRecord>,
    /// Those that each run shows, in the order of the runs.
    pub of_runs: Vec<Vec<CauseRecord>>,
    /// The failing runs that no known mistake explains, by their place.
    pub unexplained: Vec<usize>,
    diagnosis: Diagnosis,
}

impl Explanation {
    /// Returns the number of mistakes, alternatives not counted.
    pub fn mistakes(&self) -> usize {
        self.diagnosis.mistakes.len()
    }

    /// Gives each failed test the mistakes that it shows, forgets those seen in no test, and returns the names of tests that none explains.
    /// `places`: the test of each run.
    pub fn assign(&mut self, places: &[usize], tests: &mut [TestRecord]) -> Vec<String> {
        let mut told = BTreeSet::new();
        for (place, causes) in places.iter().zip(&mut self.of_runs) {
            let test = &mut tests[*place];
            if test.outcome.is_failure() || !test.scenery.is_empty() {
                told.extend(causes.iter().map(|cause| cause.id));
            }
            if test.outcome.is_failure() {
                test.causes = std::mem::take(causes);
            }
        }
        // A run may leave the contract, and its test take no notice: what is seen there alone is no mistake here.
        self.causes.retain(|cause| told.contains(cause.id));
        let unexplained = self.unexplained.iter().map(|run| &tests[places[*run]]);
        unexplained.filter(|test| test.outcome.is_failure()).map(|test| test.name.clone()).collect()
    }

    fn of(diagnosis: Diagnosis, places: &[usize], runs: usize) -> Self {
        let failing = diagnosis.failing.len();
        let mut of_runs = vec![Vec::new(); runs];
        let mut causes = Vec::new();
        for mistake in &diagnosis.mistakes {
            causes.extend(records(mistake, (mistake.shown_by.len(), failing)));
            for run in &mistake.shown_by {
                of_runs[places[*run]].extend(records(mistake, (1, 1)));
            }
        }
        let unexplained = diagnosis.unexplained.iter().map(|run| places[*run]).collect();
        Self { causes, of_runs, unexplained, diagnosis }
    }
}

/// A mistake with its alternatives, and the number of failing runs that show it.
fn records(mistake: &Mistake, (explained, runs): (usize, usize)) -> impl Iterator<Item = CauseRecord> {
    let all = std::iter::once(&mistake.cause).chain(&mistake.alternatives).enumerate();
    all.map(move |(place, cause)| CauseRecord {
        id: cause.id,
        sentence: cause.sentence,
        rules: rules(cause),
        explained,
        runs,
        equal: place > 0,
    })
}

fn rules(cause: &Cause) -> Vec<Rule> {
    cause.rules.iter().filter_map(|number| format!("R{number}").parse().ok()).collect()
}

/// The page size of this machine, which is calloc's threshold.
pub fn page() -> u64 {
    nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)
        .ok()
        .flatten()
        .and_then(|page| page.try_into().ok())
        .unwrap_or(4096)
}

/// The contract's numbers on this machine, for headers of so many bytes.
pub fn params(header: u64) -> Params {
    Params { header, ..Params::with_page(page()) }
}

/// The run that was observed. `checks`: the program tells by its exit status what it found wrong.
pub fn run_of(name: &str, seen: &Observation, checks: bool) -> Run {
    // Memory for a stream is no sign that the C library serves the calls.
    let serves = |source: &Source| source.origin.through.is_some() && !source.origin.stream;
    let by_c_library = (!seen.origins.is_empty()).then(|| seen.origins.iter().any(serves));
    Run { by_c_library, ..convert::run_of(name, &seen.trace, end_of(seen, checks)) }
}

fn end_of(seen: &Observation, checks: bool) -> End {
    match (seen.stopped, &seen.trace.end, seen.proof) {
        (Some(Stopped::Timeout | Stopped::Starved | Stopped::Cancelled), ..) => End::Timeout,
        (Some(Stopped::LogLimit | Stopped::OutputLimit | Stopped::MemoryLimit | Stopped::Starter(_)), ..) => End::Limit,
        _ if !seen.forged.is_empty() => End::Forged,
        (None, model::End::Killed(signal), _) => End::Crash(signal.clone()),
        (None, model::End::Exit(_), None) => End::EarlyExit,
        (None, model::End::Exit(_), Some(EndProof::Return(status) | EndProof::Exit(status))) if checks => {
            status_means(status)
        }
        (None, model::End::Exit(_), Some(_)) => End::Fine,
    }
}

/// What the exit status of a program of ours says.
pub fn status_means(status: i32) -> End {
    End::Check(match status {
        0 => return End::Fine,
        check::MISALIGNED => Check::Misaligned,
        check::OVERLAP => Check::Overlap,
        check::NOT_ZEROED => Check::NotZero,
        check::CONTENTS_LOST => Check::Lost,
        check::WRITTEN_INTO => Check::Written,
        check::BREAK_WRITTEN_INTO => Check::ForeignWritten,
        check::ERRNO => Check::Errno,
        _ => Check::Other,
    })
}

/// The first call of a run that leaves the contract, by its step.
pub fn first_divergence(run: &Run, params: Params, allowed: Allowed) -> Option<(usize, Divergence)> {
    let mut follower = Follower::new(params, allowed, run.brk);
    run.steps.iter().enumerate().find_map(|(number, step)| match step {
        Step::Program(to) => {
            follower.program(*to);
            None
        }
        Step::Call(call) => follower.call(call).map(|divergence| (number, divergence)),
    })
}

/// What several runs of one library say together.
pub struct Together {
    background: Background,
    /// How it differs from the contract in what it counts with, and how it reads open points: a sentence each.
    pub behaves: Vec<String>,
}

impl Together {
    /// Looks at all `runs` for what has to be known before any mistake is looked for. `strict`: every other reading is a mistake.
    pub fn of(runs: &[&Run], params: Params, strict: bool) -> Self {
        let inferred = Inferred::of(runs, params);
        let settled = infer::settle(runs, params);
        let readings = if strict { Readings::CONTRACT } else { infer::readings(&settled) };
        let mut behaves = inferred.sentences(Params::with_page(page()));
        behaves.extend(infer::reading_sentences(&settled));
        let seen = inferred.numbers();
        Self { background: Background { params, readings, strict, seen }, behaves }
    }

    /// Returns the mistakes that explain these runs; see [`diagnose`] for the `decisive` one.
    pub fn explain(&self, runs: &[&Run], decisive: Option<&Run>) -> Explanation {
        let is_short = |place: &usize| runs[*place].steps.len() <= LONG_RUN;
        let mut places: Vec<usize> = (0..runs.len()).filter(is_short).collect();
        if places.is_empty() {
            places = (0..runs.len()).collect();
        }
        let chosen: Vec<&Run> = places.iter().map(|place| runs[*place]).collect();
        Explanation::of(diagnose(&chosen, decisive, &self.background), &places, runs.len())
    }

    /// Returns whether a run shows more than the mistakes found, be it none of those that they were found in.
    pub fn is_contradicted(&self, found: &Explanation, run: &Run) -> bool {
        found.diagnosis.is_contradicted(run, &self.background)
    }

    /// Returns whether a run shows one of the mistakes found, by its number among them.
    pub fn shows(&self, found: &Explanation, mistake: usize, run: &Run) -> bool {
        let mistake = found.diagnosis.mistakes.get(mistake);
        mistake.is_some_and(|mistake| found.diagnosis.shows(mistake, run, &self.background))
    }
}
