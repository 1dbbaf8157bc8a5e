//! The calls of a test that set its scene, and whose business a difference in them is.
//!
//! A core test loses its points for what it is about. Before it comes to that, a program has to set the scene: a heap, some blocks,
//! a hole. A difference there is the subject of other tests; the oracle takes it over and goes on. So that nothing is lost, such a
//! difference counts where it was seen if no test fails that proves the broken rule.

use std::collections::BTreeSet;
use std::ops::Range;

use osmem_oracle::follow::{Divergence, Follower};
use osmem_oracle::readings::Allowed;
use osmem_oracle::run::{Run, Step};
use osmem_trace::Trace;
use osmem_trace::model::Entry;

use crate::oracle;
use crate::record::{Elsewhere, Outcome, TestRecord};
use crate::rules::Rule;
use crate::suite::{Profile, Start, Test, WARM_CALLS};
use crate::verdict;

/// Returns whether `seen` is the golden trace of a test; of a warm start only the calls themselves are compared.
pub fn is_golden(test: &Test, golden: &Trace, seen: &Trace) -> bool {
    if test.start == Start::Cold || test.profile != Profile::Core {
        return golden == seen;
    }
    let request = |entry: &Entry| match entry {
        Entry::Call(call) => Some(call.request),
        Entry::Program(_) => None,
    };
    let starts_alike = golden
        .entries
        .iter()
        .zip(&seen.entries)
        .take(WARM_CALLS)
        .all(|(golden, seen)| request(golden).is_some() && request(golden) == request(seen));
    let rest = |trace: &Trace| trace.entries.get(WARM_CALLS..).map(<[Entry]>::to_vec);
    starts_alike && golden.end == seen.end && rest(golden) == rest(seen)
}

/// Returns every call of a run that leaves the contract, by its step.
pub fn differences(test: &Test, run: &Run, header: u64, allowed: Allowed) -> Vec<(usize, Divergence)> {
    let mut follower = Follower::new(oracle::params(header), allowed, run.brk);
    let mut found = Vec::new();
    let mut calls = 0;
    for (number, step) in run.steps.iter().enumerate() {
        match step {
            Step::Program(to) => follower.program(*to),
            Step::Call(call) => {
                found.extend(follower.call(call).map(|divergence| (number, divergence)));
                calls += 1;
                if test.start == Start::Warm && calls == WARM_CALLS {
                    follower.settle();
                }
            }
        }
    }
    found
}

/// Returns the step of the first difference that the test is about.
pub fn subject_difference(test: &Test, run: &Run, header: u64, allowed: Allowed) -> Option<usize> {
    let is_subject = subject(test, run);
    differences(test, run, header, allowed).into_iter().map(|(step, _)| step).find(|step| is_subject.contains(step))
}

/// Returns the steps that a test is about: those beyond its scene.
fn subject(test: &Test, run: &Run) -> Range<usize> {
    let is_core = test.profile == Profile::Core;
    let scene = if is_core { steps_of(run, test.scene) } else { 0 };
    let end = test.subject.filter(|_| is_core).map_or(run.steps.len(), |calls| steps_of(run, test.scene + calls));
    scene..end
}

/// Judges a run by the contract as a model: what differs beyond the scene counts, what differs in it is noted.
pub fn weigh(test: &Test, run: &Run, (header, allowed): (u64, Allowed), record: &mut TestRecord) {
    let subject = subject(test, run);
    let found = differences(test, run, header, allowed);
    let is_subject = |step: usize| subject.contains(&step);
    let counts = found.iter().find(|(step, _)| is_subject(*step));
    if let Some((step, divergence)) = counts {
        record.fail(Outcome::Fail, verdict::told(divergence));
        record.difference = verdict::demanded_in(run, *step, divergence);
    }
    record.scenery = found
        .iter()
        .filter(|(step, _)| !is_subject(*step))
        .filter_map(|(step, divergence)| {
            Some(Elsewhere {
                rule: format!("R{}", divergence.rule).parse().ok()?,
                sentence: verdict::told(divergence),
                difference: verdict::demanded_in(run, *step, divergence),
            })
        })
        .collect();
}

/// Returns the steps that hold the first `calls` calls.
fn steps_of(run: &Run, calls: usize) -> usize {
    let mut steps = run.steps.iter().enumerate().filter(|(_, step)| matches!(step, Step::Call(_)));
    calls.checked_sub(1).and_then(|last| steps.nth(last)).map_or(0, |(step, _)| step + 1)
}

/// Lets each difference in a scene count where it was seen, unless a test fails that proves the broken rule.
///
/// Among the tests that saw it, those that prove the rule count it; if there are none, the first one does.
pub fn settle(records: &mut [TestRecord]) {
    let failed = records.iter().filter(|record| record.outcome.is_failure());
    let told: BTreeSet<Rule> = failed.flat_map(|record| record.rules.iter().copied()).collect();
    let seen: BTreeSet<Rule> =
        records.iter().flat_map(|record| record.scenery.iter().map(|elsewhere| elsewhere.rule)).collect();
    for rule in seen.difference(&told) {
        let saw = |record: &&mut TestRecord| {
            record.outcome == Outcome::Pass && record.scenery.iter().any(|elsewhere| elsewhere.rule == *rule)
        };
        let proves = records.iter_mut().filter(saw).any(|record| record.rules.contains(rule));
        let mut counting: Vec<_> =
            records.iter_mut().filter(saw).filter(|record| !proves || record.rules.contains(rule)).collect();
        if !proves {
            counting.truncate(1);
        }
        for record in counting {
            let Some(place) = record.scenery.iter().position(|elsewhere| elsewhere.rule == *rule) else { continue };
            let elsewhere = record.scenery.remove(place);
            record.fail(Outcome::Fail, format!("while the scene is set, {}", elsewhere.sentence));
            record.difference = elsewhere.difference;
        }
    }
}
