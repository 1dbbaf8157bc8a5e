//! A suspect, watched by itself: what is wrong with it, and the shortest program that shows the same.

use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use osmem_oracle::follow::Divergence;
use osmem_oracle::params::Params;
use osmem_oracle::program::Op;
use osmem_oracle::readings::Allowed;
use osmem_oracle::run::{Check, End, Run};
use osmem_oracle::shrink::shrink;
use osmem_oracle::symptom::Symptom;
use osmem_trace::run::RunError;

use crate::due::Due;
use crate::error::Error;
use crate::lab::{Lab, Watched};
use crate::{oracle, verdict};

/// What a program shows to be wrong; a later one is worse.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// A call that is not as it must be.
    Call(Symptom),
    /// Another end than the program wanted.
    End(Discriminant<End>),
    /// The calls that were seen are not those of the program.
    Feigned,
    /// Memory that is not as it must be, or a crash.
    Damage(Discriminant<End>, Option<Check>),
}

impl Kind {
    fn of(end: &End, divergence: Option<&Divergence>) -> Option<Self> {
        match (end, divergence) {
            (End::Crash(_), _) => Some(Self::Damage(discriminant(end), None)),
            (End::Check(check), _) if is_damage(*check) => Some(Self::Damage(discriminant(end), Some(*check))),
            (End::Fine | End::Check(_), Some(divergence)) => Some(Self::Call(divergence.symptom)),
            // A call that never returned is told by the way the run ended.
            (_, Some(divergence)) if divergence.symptom != Symptom::NeverReturned => {
                Some(Self::Call(divergence.symptom))
            }
            (End::Fine, None) => None,
            _ => Some(Self::End(discriminant(end))),
        }
    }

    const fn is_damage(self) -> bool {
        matches!(self, Self::Damage(..))
    }

    /// Whether it may stand for `other`: it is the same, or memory comes to harm only now.
    fn stands_for(self, other: Self) -> bool {
        self == other || (self.is_damage() && !other.is_damage())
    }
}

/// Whether memory has come to harm.
const fn is_damage(check: Check) -> bool {
    match check {
        Check::Misaligned | Check::Overlap | Check::NotZero => true,
        Check::Lost | Check::Written | Check::ForeignWritten => true,
        Check::Errno | Check::Other => false,
    }
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
    /// What the program that it was made from shows beyond that, in one sentence.
    pub also: Option<String>,
    /// How the calls that were seen differ from those of the program, where nothing else is wrong.
    pub feigned: Option<String>,
    /// How long it might take.
    pub time: Duration,
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
        let (due, seen) = (Due::in_script(ops), &watched.seen.trace);
        let (kind, feigned) = if self.stops_on_refusal(&watched.run, divergence.as_ref()) {
            (None, due.differs_in(seen, seen.calls().count()))
        } else {
            match Kind::of(&watched.run.end, divergence.as_ref().map(|(_, divergence)| divergence)) {
                None => (None, due.differs(seen)),
                some => (some, None),
            }
        };
        let kind = kind.or(feigned.is_some().then_some(Kind::Feigned))?;
        Some(Finding { ops: ops.to_vec(), watched, divergence, also: None, feigned, time: self.time, kind })
    }

    /// O7: where nothing is strict, a library may end the program instead of giving NULL when a size overflows or memory is refused.
    fn stops_on_refusal(&self, run: &Run, divergence: Option<&(usize, Divergence)>) -> bool {
        let refused = divergence.is_some_and(|(_, divergence)| {
            divergence.symptom == Symptom::NeverReturned && matches!(divergence.rule, 2 | 15)
        });
        refused && run.end == End::EarlyExit && !self.allowed.is_settled()
    }

    /// Returns the shortest program that shows the same, as far as `effort` reaches; or a worse finding, if one of those tried shows it.
    ///
    /// A program that cannot be watched is passed over, but not one about which two tracers disagree.
    pub fn shrunk(&self, found: Finding, effort: Effort, cpu: Option<usize>) -> Result<Finding, Error> {
        let mut kind = found.kind;
        self.shrunk_while(found, effort, cpu, |finding| {
            let stands = finding.kind.stands_for(kind);
            if stands {
                kind = finding.kind;
            }
            stands
        })
    }

    /// Returns the shortest program whose finding is `wanted`, as far as `effort` reaches.
    pub fn shrunk_while(
        &self,
        found: Finding,
        effort: Effort,
        cpu: Option<usize>,
        mut wanted: impl FnMut(&Finding) -> bool,
    ) -> Result<Finding, Error> {
        let (mut tried, mut stuck) = (0, 0);
        // Nothing that comes after the call that went wrong can matter.
        let mut best = found;
        let ops = best.ops.clone();
        let told = best.divergence.as_ref().map(|(_, divergence)| verdict::told(divergence));
        let mut latest: Option<Finding> = None;
        let mut doubt = None;
        let _shortest = shrink(ops, self.params, |candidate| {
            // Without a call it would be no script, even where the library fails before the first one.
            let is_over = tried >= effort.tries || stuck >= effort.stuck || self.lab.is_cancelled();
            if is_over || doubt.is_some() || !candidate.iter().any(Op::is_call) {
                return false;
            }
            tried += 1;
            let seen = self.watch(candidate, "shrunk", cpu);
            stuck += usize::from(seen.as_ref().is_ok_and(|seen| seen.as_ref().is_some_and(Finding::is_stuck)));
            match seen {
                Ok(Some(finding)) if wanted(&finding) => {
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
        if best.divergence.is_none() {
            best.also = told;
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

    /// What has come to harm, or what the run ended in instead; `None` if only a call is not as it must be.
    pub fn damage(&self) -> Option<String> {
        if self.is_stuck() {
            let (seconds, place) = (self.time.as_secs_f64(), verdict::whereabouts(&self.watched.seen));
            return Some(format!("it did not end within {seconds} s: {place}"));
        }
        if let Some(fault) = verdict::incomplete(&self.watched.seen) {
            return Some(fault.reason);
        }
        if let Some(feigned) = &self.feigned {
            return Some(feigned.clone());
        }
        let check = self.watched.result.map_or(0, |result| result.check);
        match (osmem_replay::check::sentence(check), &self.divergence) {
            (Some(sentence), _) => Some(sentence.to_owned()),
            (None, None) => Some("the program's own checks failed".to_owned()),
            (None, Some(_)) => None,
        }
    }

    /// Whether what was said of its calls was not said by the probe, or is not what the program does.
    pub fn is_feigned(&self) -> bool {
        self.feigned.is_some() || self.run().end == End::Forged
    }

    fn is_stuck(&self) -> bool {
        self.run().end == End::Timeout
    }
}
