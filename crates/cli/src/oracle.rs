//! What the oracle says of runs that were observed: where they leave the contract, and why.

use osmem_oracle::causes::Cause;
use osmem_oracle::diagnose::{Background, Diagnosis, diagnose};
use osmem_oracle::follow::{Divergence, Follower};
use osmem_oracle::infer::{self, Inferred};
use osmem_oracle::params::Params;
use osmem_oracle::readings::{Allowed, Readings};
use osmem_oracle::run::{Check, End, Run, Step};
use osmem_replay::check;
use osmem_trace::Observation;
use osmem_trace::model;
use osmem_trace::run::{EndProof, Stopped};
use serde::Serialize;

use crate::convert;
use crate::rules::Rule;

/// Causes that are named for one finding.
const MOST_CAUSES: usize = 3;

/// A longer run is left out of the search for causes, as long as there are others.
const LONG_RUN: usize = 4000;

/// A likely cause, as reports show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CauseRecord {
    /// Its name in the closed list of docs/causes.md.
    pub id: &'static str,
    /// What is wrong and what is right, for the author of the library.
    pub sentence: &'static str,
    /// The rules it touches, the most important one first.
    pub rules: Vec<Rule>,
    /// Runs that it explains to their ends.
    pub explained: usize,
    /// Runs that were looked at.
    pub runs: usize,
    /// It explains as much as the one named first.
    pub equal: bool,
}

impl From<&Diagnosis> for CauseRecord {
    fn from(diagnosis: &Diagnosis) -> Self {
        let Diagnosis { cause, explained, runs, equal, .. } = *diagnosis;
        Self { id: cause.id, sentence: cause.sentence, rules: rules(cause), explained, runs, equal }
    }
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
    convert::run_of(name, &seen.trace, end_of(seen, checks))
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

    /// The causes that explain these runs, best first; see [`diagnose`] for the `decisive` one.
    pub fn causes(&self, runs: &[&Run], decisive: Option<&Run>) -> Vec<CauseRecord> {
        let mut short: Vec<&Run> = runs.iter().copied().filter(|run| run.steps.len() <= LONG_RUN).collect();
        if short.is_empty() {
            short = runs.to_vec();
        }
        let found = diagnose(&short, decisive, &self.background);
        let equal = found.iter().filter(|diagnosis| diagnosis.equal).count();
        found.iter().take(equal.max(MOST_CAUSES)).map(CauseRecord::from).collect()
    }
}
