//! A suspect, watched by itself: what is wrong with it, and the shortest program that shows the same.

use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use osmem_oracle::follow::Divergence;
use osmem_oracle::params::Params;
use osmem_oracle::program::Op;
use osmem_oracle::readings::Allowed;
use osmem_oracle::run::{End, Run};
use osmem_oracle::shrink::shrink;
use osmem_oracle::symptom::Symptom;
use osmem_trace::run::RunError;

use crate::error::Error;
use crate::lab::{Lab, Watched};
use crate::oracle;

/// What a program does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Call(Symptom),
    End(Discriminant<End>),
}

/// A program that a library fails.
#[derive(Debug)]
pub struct Finding {
    /// The program.
    pub ops: Vec<Op>,
    /// As it was watched.
    pub watched: Watched,
    /// The first call that leaves the contract, by its step in the run.
    pub divergence: Option<(usize, Divergence)>,
    kind: Kind,
}

/// How much is done to make a finding shorter. Counts and no time: the same program comes out on a fast machine and on a busy one.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Programs that are tried at the most.
    pub tries: usize,
    /// Programs among them that may run until their time is over.
    pub stuck: usize,
}

/// How programs are judged.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// Where they run.
    pub lab: &'a Lab,
    /// What the library should count with.
    pub params: Params,
    /// The readings that are right.
    pub allowed: Allowed,
    /// How long one program may take.
    pub time: Duration,
}

impl Judge<'_> {
    /// Watches one program; `None` if it keeps the contract.
    pub fn watch(&self, ops: &[Op], name: &str, cpu: Option<usize>) -> Result<Option<Finding>, Error> {
        let watched = self.lab.watch(ops, name, self.time, cpu)?;
        Ok(self.judge(ops, watched))
    }

    /// Judges a program that was watched. One that was interrupted shows nothing.
    pub fn judge(&self, ops: &[Op], watched: Watched) -> Option<Finding> {
        if watched.is_cut_off() {
            return None;
        }
        let divergence = oracle::first_divergence(&watched.run, self.params, self.allowed);
        if self.stops_on_refusal(&watched.run, divergence.as_ref()) {
            return None;
        }
        let kind = match (&divergence, &watched.run.end) {
            // A call that never returned is told by the way the run ended.
            (Some((_, divergence)), End::Fine | End::Check(_)) => Kind::Call(divergence.symptom),
            (Some((_, divergence)), _) if divergence.symptom != Symptom::NeverReturned => {
                Kind::Call(divergence.symptom)
            }
            (None, End::Fine) => return None,
            (_, end) => Kind::End(discriminant(end)),
        };
        Some(Finding { ops: ops.to_vec(), watched, divergence, kind })
    }

    /// O7: where nothing is strict, a library may end the program instead of giving NULL when a size overflows or memory is refused.
    fn stops_on_refusal(&self, run: &Run, divergence: Option<&(usize, Divergence)>) -> bool {
        let refused = divergence.is_some_and(|(_, divergence)| {
            divergence.symptom == Symptom::NeverReturned && matches!(divergence.rule, 2 | 15)
        });
        refused && run.end == End::EarlyExit && !self.allowed.is_settled()
    }

    /// The shortest program that shows the same, as far as `effort` reaches.
    ///
    /// A program that cannot be watched is passed over, but not one about which two tracers disagree.
    pub fn shrunk(&self, found: Finding, effort: Effort, cpu: Option<usize>) -> Result<Finding, Error> {
        let (mut tried, mut stuck) = (0, 0);
        // Nothing that comes after the call that went wrong can matter.
        let mut best = found;
        let ops = best.ops.clone();
        let kind = best.kind;
        let mut latest: Option<Finding> = None;
        let mut doubt = None;
        let _shortest = shrink(ops, |candidate| {
            // Without a call it would be no script, even where the library fails before the first one.
            let is_over = tried >= effort.tries || stuck >= effort.stuck || self.lab.is_cancelled();
            if is_over || doubt.is_some() || !candidate.iter().any(Op::is_call) {
                return false;
            }
            tried += 1;
            let seen = self.watch(candidate, "shrunk", cpu);
            stuck += usize::from(seen.as_ref().is_ok_and(|seen| seen.as_ref().is_some_and(Finding::is_stuck)));
            match seen {
                Ok(Some(finding)) if finding.kind == kind => {
                    latest = Some(finding);
                    true
                }
                Err(error @ Error::Run(RunError::Disagreement { .. })) => {
                    doubt = Some(error);
                    false
                }
                _ => false,
            }
        });
        if let Some(latest) = latest {
            best = latest;
        }
        doubt.map_or(Ok(best), Err)
    }
}

impl Finding {
    /// The calls of its program.
    pub fn calls(&self) -> usize {
        self.ops.iter().filter(|op| op.is_call()).count()
    }

    /// Its run.
    pub fn run(&self) -> &Run {
        &self.watched.run
    }

    fn is_stuck(&self) -> bool {
        self.run().end == End::Timeout
    }
}
