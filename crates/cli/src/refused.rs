//! Runs in which the system refused memory: whether the library bore it.
//!
//! The oracle follows the kernel's answers as they were seen, so that it judges such a run like any other. What is left is the end of
//! the run: a program that did not expect NULL may fail its own checks or crash, which is no fault of the library.

use std::time::Instant;

use osmem_oracle::follow::Divergence;
use osmem_oracle::params::Params;
use osmem_oracle::readings::Allowed;
use osmem_oracle::run::{End, Run, Step};
use osmem_oracle::symptom::Symptom;
use osmem_replay::check;
use osmem_trace::Observation;
use osmem_trace::model::{self, Answer, Call, Event, Outcome as Ending, Place};
use osmem_trace::run::{Asked, Refusal, RunError, Stopped};

use crate::due::Due;
use crate::inject::words;
use crate::oracle;
use crate::points::Points;
use crate::record::{Difference, Ender, Judge, Outcome, Pardon, TestRecord};
use crate::runner::{Program, Runner};
use crate::verdict::{self, Fault};

/// What a run with refusals comes to.
#[derive(Debug)]
pub struct Verdict {
    /// Pass, or how the library failed.
    pub outcome: Outcome,
    /// Why it did not pass.
    pub reason: Option<String>,
    /// Where it leaves the contract.
    pub difference: Option<Difference>,
    /// A bad end of the run that is not the library's fault.
    pub pardoned: Option<Pardon>,
}

/// What to hold a run against.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// The numbers that the oracle counts with.
    pub params: Params,
    /// The readings that it accepts.
    pub allowed: Allowed,
    /// What was refused to a program that may not have expected it and then ends as it likes; `None`: it takes NULL for an answer.
    pub unexpected: Option<Refusal>,
}

/// Judges a run in which calls were refused.
pub fn judge(seen: &Observation, run: &Run, measure: &Measure) -> Verdict {
    let failed = |fault: Fault, difference| Verdict {
        outcome: fault.outcome,
        reason: Some(fault.reason),
        difference,
        pardoned: None,
    };
    let fault = verdict::fault(seen);
    if let Some(fault) = fault.filter(|_| outweighs(seen)) {
        return failed(fault, None);
    }
    let divergence = oracle::first_divergence(run, measure.params, measure.allowed);
    let difference = |(step, divergence): &(usize, Divergence)| verdict::demanded_in(run, *step, divergence);
    match (verdict::fault(seen), &divergence) {
        (None, None) => Verdict { outcome: Outcome::Pass, reason: None, difference: None, pardoned: None },
        (Some(fault), None | Some((_, Divergence { symptom: Symptom::NeverReturned, .. }))) => {
            match pardoned(seen, measure, &fault) {
                Some(pardon) => {
                    Verdict { outcome: Outcome::Pass, reason: None, difference: None, pardoned: Some(pardon) }
                }
                None => failed(fault, divergence.as_ref().and_then(difference)),
            }
        }
        (fault, Some(found)) => {
            let told = verdict::told(&found.1);
            let (outcome, reason) = match fault {
                Some(Fault { outcome: Outcome::Crash, reason }) => (Outcome::Crash, format!("{told}; then {reason}")),
                _ => (Outcome::Fail, told),
            };
            failed(Fault { outcome, reason }, difference(found))
        }
    }
}

/// Whether the end of a run says more than what was seen before.
fn outweighs(seen: &Observation) -> bool {
    seen.stopped.is_some()
        || !seen.refused.is_empty()
        || !seen.forged.is_empty()
        || !seen.missing.is_empty()
        || !seen.began
}

/// Whose doing a bad end of a run was; `None` if it was the library's and is its fault.
fn pardoned(seen: &Observation, measure: &Measure, fault: &Fault) -> Option<Pardon> {
    let refusal = measure.unexpected?;
    if !seen.asked.iter().any(|asked| is_meant(asked, refusal) && !asked.queries) {
        return None;
    }
    let unfinished = seen.trace.calls().find(|call| call.result == Ending::Never);
    match (unfinished, &seen.trace.end, seen.proof) {
        // O7: a message, and the end of the program, where a hand-out says so.
        (Some(call), model::End::Exit(status), None)
            if *status != 0 && was_refused(call) && !measure.allowed.is_settled() && speaks(seen) =>
        {
            let sentence =
                format!("it ended the program with status {status} and a message, as some hand-outs demand (O7)");
            Some(Pardon { by: Ender::Library, sentence })
        }
        (None, end, proof) => {
            let is_own = match (end, proof) {
                (model::End::Killed(_), _) => fault.outcome == Outcome::Crash,
                // What programs find wrong with their memory does not hang on NULL.
                (model::End::Exit(status), Some(_)) => check::sentence(*status).is_none(),
                // Before its main a program cannot prove that it was itself that ended it; that it had just got NULL tells.
                (model::End::Exit(status), None) => *status != 0 && seen.trace.calls().last().is_some_and(gave_null),
            };
            is_own.then(|| Pardon { by: Ender::Program, sentence: format!("NULL was not expected: {}", fault.reason) })
        }
        _ => None,
    }
}

/// Whether the call was refused memory and gave NULL.
fn gave_null(call: &Call) -> bool {
    was_refused(call) && call.result == Ending::Returned(Some(Place::Null))
}

/// Whether a call is one of those to be refused.
fn is_meant(asked: &Asked, refusal: Refusal) -> bool {
    asked.call == refusal.call && (asked.number == refusal.first || (refusal.later && asked.number > refusal.first))
}

/// Whether anything was printed.
fn speaks(seen: &Observation) -> bool {
    !seen.stderr.is_empty() || !seen.stdout.is_empty()
}

/// Whether the system refused something inside a call.
fn was_refused(call: &Call) -> bool {
    call.events.iter().any(|event| match event {
        Event::Brk { to, result } => *result != Answer::Place(*to),
        Event::Mmap { result, .. } => matches!(result, Answer::Failed(_)),
        _ => false,
    })
}

/// Where the first refused call was made; `None` if the program made no such call. One that only asks where the break is gets its answer
/// in any case, so that a later one counts, if there is any.
pub fn reached(seen: &Observation, refusal: Refusal) -> Option<String> {
    let meant = seen.asked.iter().filter(|asked| is_meant(asked, refusal));
    let found = meant.min_by_key(|asked| asked.queries)?;
    let call = found.inside.and_then(|number| seen.trace.calls().nth(number));
    let place = call.map_or_else(|| "outside the library".to_owned(), |call| format!("in {}", verdict::request(call)));
    Some(if found.queries { format!("{place}, where the break was only asked for") } else { place })
}

/// The run without an end that is pardoned: of the library it says nothing.
pub fn pardon(mut run: Run) -> Run {
    run.end = End::Fine;
    run.steps.retain(|step| !matches!(step, Step::Call(call) if call.result.is_none()));
    run
}

/// Each refusal that a program of the battery has to bear: of every mapping and move of the break that the library asked for in the
/// run by itself, by itself and with all later ones.
pub fn each(plain: &Observation) -> impl Iterator<Item = Refusal> {
    let asked = plain.asked.iter().filter(|asked| asked.inside.is_some() && !asked.queries);
    let refusals = asked.map(|asked| (asked.call, asked.number));
    refusals.flat_map(|(call, first)| [false, true].map(|later| Refusal { call, first, later }))
}

/// A run that failed, with what is left of it.
pub struct Failed {
    /// What was seen.
    pub seen: Observation,
    /// The same for the oracle.
    pub run: Run,
}

/// How a test that bears refusals came out.
pub enum Borne {
    /// The library bears them.
    All,
    /// It fails with one of them.
    Not(Box<Failed>),
    /// Someone interrupted it.
    Interrupted,
}

/// How the calls differ from those that are due, as far as nothing had been refused; behind that they hang on the answers.
fn feigned(seen: &Observation, due: &Due, refusal: Refusal) -> Option<String> {
    let refused = seen.asked.iter().filter(|asked| is_meant(asked, refusal)).filter_map(|asked| asked.inside).min();
    match refused {
        Some(call) => due.differs_in(&seen.trace, call + 1),
        None => due.differs(&seen.trace),
    }
}

/// A reason, with what was refused in front of it.
pub fn with(refusal: Refusal, reason: &str) -> String {
    format!("with {} refused: {reason}", words(refusal))
}

/// Runs the program of a test that has passed again and again, once for each refusal that it has to bear, until the library fails, which
/// `record` then tells.
pub fn bear(
    runner: &Runner,
    program: &Program,
    (plain, due): (&Observation, &Due),
    (cpu, aslr): (Option<usize>, bool),
    measure: &Measure,
    record: &mut TestRecord,
) -> Result<Borne, RunError> {
    let start = Instant::now();
    for refusal in each(plain) {
        let seen = runner.refusing(program.clone(), cpu, aslr, refusal)?;
        if seen.stopped == Some(Stopped::Cancelled) {
            return Ok(Borne::Interrupted);
        }
        let run = oracle::run_of(&record.name, &seen, true);
        let mut verdict = judge(&seen, &run, measure);
        if let (Outcome::Pass, Some(reason)) = (verdict.outcome, feigned(&seen, due, refusal)) {
            verdict = Verdict { outcome: Outcome::Fail, reason: Some(reason), difference: None, pardoned: None };
            record.feigned = true;
        }
        if verdict.outcome == Outcome::Pass {
            continue;
        }
        record.outcome = verdict.outcome;
        record.earned = Points::NONE;
        record.reason = verdict.reason.map(|reason| with(refusal, &reason));
        record.difference = verdict.difference;
        record.judged_by = Judge::Oracle;
        record.output = verdict::last_lines(&seen.stderr);
        record.lasted(plain.elapsed + start.elapsed());
        return Ok(Borne::Not(Box::new(Failed { seen, run })));
    }
    record.lasted(plain.elapsed + start.elapsed());
    Ok(Borne::All)
}
