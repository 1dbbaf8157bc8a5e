//! Utilisation and throughput of a submission, beside our own library: the same calls, in boxes, on the same machine, by turns.

use std::time::Duration;

use osmem_oracle::program::Op;
use osmem_trace::run::Limits;

use super::boxed::Boxed;
use super::course::performance::{NAMES, PerformancePlan, Share, earned, most};
use super::desk::Desk;
use super::record::{Details, Kind, Outcome, Submission, Test};
use super::workshop::Bench;
use super::{Class, MIB, end};
use crate::args::Header;
use crate::due::Due;
use crate::error::Error;
use crate::lab::{Heap, Lab};
use crate::stats::figures::Figures;
use crate::stats::header_of;
use crate::{oracle, verdict, workload};

/// Runs of each library; the fastest counts.
const RUNS: usize = 5;

/// A figure as a part of our own library's, or why there is none.
type Part = Result<f64, (Outcome, String)>;

impl Class<'_> {
    /// Adds what the course measures to a record. Returns `false` where that is the end of it, because nothing can be measured here.
    pub(super) fn measured(
        &self,
        place: (&Bench, &Boxed),
        drawn: (Option<usize>, u64),
        record: &mut Submission,
    ) -> Result<bool, Error> {
        let Some(plan) = &self.desk.course.performance else { return Ok(true) };
        match graded(self.desk, plan, place, drawn) {
            Ok(tests) => record.tests.extend(tests),
            Err(error) if error.is_of_tracer() => return Err(error),
            Err(error) => {
                end(record, Outcome::InfraError, error.to_string());
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Measures the library on `bench`, with a workload drawn by `seed` where the course names no script.
fn graded(
    desk: &Desk<'_>,
    plan: &PerformancePlan,
    (bench, boxed): (&Bench, &Boxed),
    (cpu, seed): (Option<usize>, u64),
) -> Result<Vec<Test>, Error> {
    let ops = plan.script.clone().unwrap_or_else(|| workload::drawn(seed));
    let time = Duration::from_secs(desk.course.limits.test_seconds);
    let (own_bench, own_box) = desk.own_bench()?;
    let theirs = lab(desk, bench, boxed);
    let ours = lab(desk, &own_bench, &own_box);
    let measured = Measured { desk, ops: &ops, time, cpu };
    let used = measured.utilisation(&theirs, &ours)?;
    let mut tests = Vec::new();
    if !plan.utilisation.is_empty() {
        tests.push(test(desk, 0, &plan.utilisation, used.clone()));
    }
    if !plan.throughput.is_empty() {
        // Speed at wrong calls is worth nothing.
        let part = match used {
            Ok(_) => measured.throughput(&theirs, &ours)?,
            Err(fault) => Err(fault),
        };
        tests.push(test(desk, 1, &plan.throughput, part));
    }
    Ok(tests)
}

fn lab(desk: &Desk<'_>, bench: &Bench, boxed: &Boxed) -> Lab {
    let limits = Limits {
        log: desk.course.limits.trace_mib * MIB,
        output: desk.course.limits.output_mib * MIB,
        ..Limits::default()
    };
    let files = [bench.library.clone(), desk.shop.probe.clone(), desk.shop.replayer.clone()];
    Lab::boxed(desk.witness.clone(), files, limits, boxed.starter(), desk.cancel)
}

/// The calls, and how they are measured.
struct Measured<'a> {
    desk: &'a Desk<'a>,
    ops: &'a [Op],
    time: Duration,
    cpu: Option<usize>,
}

impl Measured<'_> {
    /// Compares utilisation: the tracer sees every call, and every byte of every block is verified.
    fn utilisation(&self, theirs: &Lab, ours: &Lab) -> Result<Part, Error> {
        let used = |lab: &Lab| -> Result<Part, Error> {
            let watched = lab.watch(self.ops, "performance", self.time, self.cpu)?;
            if let Some(fault) = verdict::fault(&watched.seen) {
                let outcome = if lab.is_cancelled() { Outcome::InfraError } else { Outcome::Wrong };
                return Ok(Err((outcome, format!("the calls do not come to their end: {}", fault.reason))));
            }
            if let Some(why) = Due::in_script(self.ops).differs(&watched.seen.trace) {
                return Ok(Err((Outcome::Wrong, why)));
            }
            let header = header_of(Header::Auto, &watched.run);
            let figures = Figures::of(&watched.run, oracle::params(header));
            if figures.calls.refused > 0 {
                return Ok(Err((Outcome::Wrong, "some calls got no memory".to_owned())));
            }
            Ok(figures.utilisation.ok_or((Outcome::Wrong, "no memory was taken from the system".to_owned())))
        };
        self.beside(used(theirs)?, || used(ours))
    }

    /// Compares throughput: both make the same calls untraced, by turns.
    fn throughput(&self, theirs: &Lab, ours: &Lab) -> Result<Part, Error> {
        let mut best: [Option<f64>; 2] = [None; 2];
        for _ in 0..RUNS {
            for (lab, best) in [theirs, ours].into_iter().zip(&mut best) {
                let Some(taken) = lab.time(self.ops, Heap::Library, self.time, self.cpu)? else {
                    let why = "the calls do not come to their end untraced";
                    let is_theirs = std::ptr::eq(lab, theirs) && !lab.is_cancelled();
                    let outcome = if is_theirs { Outcome::Wrong } else { Outcome::InfraError };
                    return Ok(Err((outcome, why.to_owned())));
                };
                *best = Some(best.map_or(taken, |best: f64| best.min(taken)));
            }
        }
        let [Some(theirs), Some(ours)] = best else {
            return Ok(Err((Outcome::InfraError, "nothing was measured".to_owned())));
        };
        // Nanoseconds of a call: fewer are better.
        Ok(Ok(ours / theirs))
    }

    /// Divides a figure by our own library's, which must have one.
    fn beside(&self, theirs: Part, ours: impl FnOnce() -> Result<Part, Error>) -> Result<Part, Error> {
        let theirs = match theirs {
            Ok(theirs) => theirs,
            fault => return Ok(fault),
        };
        Ok(match ours()? {
            Ok(ours) => Ok(theirs / ours),
            Err((_, why)) if self.desk.cancel.is_cancelled() => Err((Outcome::InfraError, why)),
            Err((_, why)) => Err((Outcome::InfraError, format!("our own library: {why}"))),
        })
    }
}

/// Returns a measurement as a test of the record.
fn test(desk: &Desk<'_>, which: usize, shares: &[Share], part: Part) -> Test {
    let name = NAMES[which];
    let points = most(shares);
    let (outcome, reason, earned) = match part {
        Ok(part) => {
            let earned = earned(shares, part);
            // Rounded down, as it is paid.
            let told = format!("{:.2} of our own library's {name}", (part * 100.0).floor() / 100.0);
            let passes = earned >= points;
            (if passes { Outcome::Pass } else { Outcome::Wrong }, (!passes).then_some(told), earned)
        }
        Err((outcome, reason)) => (outcome, Some(reason), 0.0),
    };
    let description = match which {
        0 => "performance: the peak of the payload by that of the heap, beside our own library",
        _ => "performance: calls a second, beside our own library in the same run",
    };
    Test {
        name: name.to_owned(),
        kind: Kind::Performance,
        hidden: false,
        details: desk.course.report.tests.get(name).copied().unwrap_or(Details::Full),
        profile: None,
        points,
        earned,
        outcome,
        reason,
        rules: Vec::new(),
        description: description.to_owned(),
        hint: String::new(),
        difference: None,
        causes: Vec::new(),
        output: None,
    }
}
