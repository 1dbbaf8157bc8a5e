//! A counterexample for each mistake: the first program that failed shows one, and seldom all of them.

use osmem_oracle::program::Op;
use osmem_oracle::random;
use osmem_oracle::run::{End, Run};

use super::Search;
use super::calibrate::Calibrated;
use super::find::{Effort, Finding};
use super::reproducer::Reproducer;
use crate::error::Error;
use crate::oracle::{CauseRecord, Explanation, Together};

/// Programs that are watched beside the one that was found, to tell causes apart.
const WITNESSES: u64 = 12;
/// Counterexamples, at most.
const MOST: usize = 4;
/// A further one is given up after this fraction of the programs that may hang for the first.
const LESS: usize = 5;

/// A random program and its run.
struct Witness {
    number: u64,
    ops: Vec<Op>,
    run: Run,
}

/// A mistake that no counterexample shows yet.
#[derive(Clone, Copy)]
enum Missing {
    /// One of those found, by its number.
    Known(usize),
    /// Another one: a run speaks against those found.
    Unknown,
}

impl Missing {
    /// Returns whether a run shows it.
    fn is_in(self, run: &Run, together: &Together, found: &Explanation) -> bool {
        match self {
            Self::Known(mistake) => together.shows(found, mistake, run),
            Self::Unknown => together.is_contradicted(found, run),
        }
    }
}

impl Search<'_> {
    /// Shrinks the program that was found, and looks for a further one for each mistake that it does not show. Returns them, and
    /// sentences about the library.
    pub(super) fn counterexamples(
        &self,
        (number, first): (u64, Finding),
        calibrated: &Calibrated,
        effort: Effort,
        cpu: Option<usize>,
    ) -> Result<(Vec<Reproducer>, Vec<String>), Error> {
        let whole = Witness { number, ops: first.ops.clone(), run: first.run().clone() };
        let shrunk = if self.cancel.is_cancelled() { first } else { self.judge.shrunk(first, effort, cpu)? };
        let mut witnesses = self.witnesses(&whole, effort.stuck)?;
        witnesses.push(whole);
        let mut shown = vec![(number, shrunk)];
        let mut unknown = false;
        let less = Effort { tries: effort.tries, stuck: effort.stuck / LESS };
        loop {
            let before = calibrated.runs.iter().chain(witnesses.iter().map(|witness| &witness.run));
            let runs: Vec<&Run> = before.chain(shown.iter().map(|(_, finding)| finding.run())).collect();
            let together = Together::of(&runs, self.plan.params, self.judge.allowed.is_settled());
            let found = together.explain(&runs, Some(shown[0].1.run()));
            let mut another = None;
            if shown.len() < MOST && found.mistakes() > 0 {
                let shows = |missing: Missing| {
                    let mut runs = shown.iter().map(|(_, finding)| finding.run());
                    runs.any(|run| missing.is_in(run, &together, &found))
                };
                let known = (0..found.mistakes()).map(Missing::Known);
                let missing = known.chain([Missing::Unknown]).filter(|missing| !shows(*missing));
                for missing in missing.filter(|missing| !(unknown && matches!(missing, Missing::Unknown))) {
                    let wanted = |run: &Run| missing.is_in(run, &together, &found);
                    another = self.another(&witnesses, wanted, less, cpu)?;
                    if another.is_some() {
                        unknown |= matches!(missing, Missing::Unknown);
                        break;
                    }
                }
            }
            if let Some(another) = another {
                shown.push(another);
                continue;
            }
            let place = runs.len() - shown.len();
            let reproducers = shown.iter().zip(&found.of_runs[place..]).map(|((number, finding), of_run)| {
                let causes = if shown.len() == 1 { found.causes.clone() } else { among(&found.causes, of_run) };
                let (params, readings) = (calibrated.params, calibrated.readings);
                Reproducer::of(*number, finding, causes, params, readings)
            });
            return Ok((reproducers.collect(), together.behaves));
        }
    }

    /// Watches some other programs. Up to `stuck` of them may hang.
    fn witnesses(&self, found: &Witness, mut stuck: usize) -> Result<Vec<Witness>, Error> {
        let mut witnesses = Vec::new();
        for number in (0..WITNESSES).filter(|number| *number != found.number) {
            // A library that hangs in one program hangs in every one.
            if found.run.end == End::Timeout || stuck == 0 || self.cancel.is_cancelled() {
                break;
            }
            let ops = random::program(self.seed, number, &self.plan).ops;
            let watched = self.judge.lab.watch(&ops, &format!("program {number}"), self.judge.time, None)?;
            stuck -= usize::from(watched.run.end == End::Timeout);
            if !watched.is_cut_off() {
                witnesses.push(Witness { number, ops, run: watched.run });
            }
        }
        Ok(witnesses)
    }

    /// Returns the shortest program made from a witness whose run is wanted; `None` if there is none that fails.
    fn another(
        &self,
        witnesses: &[Witness],
        wanted: impl Fn(&Run) -> bool,
        effort: Effort,
        cpu: Option<usize>,
    ) -> Result<Option<(u64, Finding)>, Error> {
        let mut fitting: Vec<&Witness> = witnesses.iter().filter(|witness| wanted(&witness.run)).collect();
        fitting.sort_by_key(|witness| witness.run.steps.len());
        for witness in fitting {
            if self.cancel.is_cancelled() {
                break;
            }
            let watched = self.judge.watch(&witness.ops, &format!("program {}", witness.number), cpu)?;
            if let Some(finding) = watched.filter(|finding| wanted(finding.run())) {
                let shrunk = self.judge.shrunk_while(finding, effort, cpu, |finding| wanted(finding.run()))?;
                return Ok(Some((witness.number, shrunk)));
            }
        }
        Ok(None)
    }
}

/// Returns the causes that a run shows, as they stand among all of them.
fn among(all: &[CauseRecord], of_run: &[CauseRecord]) -> Vec<CauseRecord> {
    all.iter().filter(|cause| of_run.iter().any(|shown| shown.id == cause.id)).cloned().collect()
}
