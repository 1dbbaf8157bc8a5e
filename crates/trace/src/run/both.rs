//! One tracer, or two that must agree.

use std::sync::{Arc, PoisonError, RwLock};

use super::{Cancel, Glimpse, Limits, Observation, Recording, RunError, Spec, Stopped, Watch, glimpse, observe};
use crate::diff;
use crate::tracer::Tracer;

/// Calls around the first difference that are shown.
const CONTEXT: usize = 3;
/// Lines of it that are shown.
const LINES: usize = 24;

/// How often each tracer looks again where they disagree: a library that draws one of two answers then gets away once in a thousand times.
const LOOKS: u32 = 5;

/// Held by every run of this process; for writing by one that has to be alone.
static TURN: RwLock<()> = RwLock::new(());
/// How much more patience a run has that is alone.
const MORE_PATIENCE: u32 = 4;

/// Who watches: one tracer, or two that must agree.
#[derive(Clone, Debug)]
pub struct Witness {
    first: Arc<dyn Tracer>,
    second: Option<Arc<dyn Tracer>>,
}

impl Witness {
    /// One tracer.
    pub fn one(tracer: Arc<dyn Tracer>) -> Self {
        Self { first: tracer, second: None }
    }

    /// Two: every program is run under both, and what they see must be the same. What the first one saw is taken.
    pub fn both(first: Arc<dyn Tracer>, second: Arc<dyn Tracer>) -> Self {
        Self { first, second: Some(second) }
    }

    /// What reports call it.
    pub fn name(&self) -> String {
        self.tracers().map(|tracer| tracer.name()).collect::<Vec<_>>().join(" and ")
    }

    /// The tracers.
    pub fn tracers(&self) -> impl Iterator<Item = &dyn Tracer> {
        std::iter::once(&*self.first).chain(self.second.as_deref())
    }

    /// The one whose word counts.
    pub fn first(&self) -> &dyn Tracer {
        &*self.first
    }

    /// See [`observe`]. A run that the machine was too busy for is tried again, alone and with more patience.
    ///
    /// Where two tracers disagree, each looks again. A program that does not do the same twice under one of them is no matter of tracers:
    /// [`Observation::other`] then has the run that differs.
    pub fn observe(&self, spec: &Spec, cancel: &Cancel) -> Result<Observation, RunError> {
        let seen = {
            let _beside_others = TURN.read().unwrap_or_else(PoisonError::into_inner);
            self.observe_once(spec, cancel)?
        };
        if seen.stopped != Some(Stopped::Starved) {
            return Ok(seen);
        }
        let limits = Limits { patience: spec.limits.patience.saturating_mul(MORE_PATIENCE), ..spec.limits };
        let _alone = TURN.write().unwrap_or_else(PoisonError::into_inner);
        let seen = self.observe_once(&Spec { limits, ..spec.clone() }, cancel)?;
        if seen.stopped == Some(Stopped::Starved) {
            return Err(RunError::Starved { time: spec.limits.time, waited: seen.elapsed });
        }
        Ok(seen)
    }

    /// Records with `tracer`, one of these, while no run has to be alone.
    pub fn record(
        &self,
        tracer: &dyn Tracer,
        spec: &Spec,
        watch: Watch<'_>,
        cancel: &Cancel,
    ) -> Result<Recording, RunError> {
        let _beside_others = TURN.read().unwrap_or_else(PoisonError::into_inner);
        tracer.record(spec, watch, cancel)
    }

    fn observe_once(&self, spec: &Spec, cancel: &Cancel) -> Result<Observation, RunError> {
        let first = observe(&*self.first, spec, cancel)?;
        let Some(tracer) = &self.second else { return Ok(first) };
        // What was stopped ends anywhere.
        if first.stopped.is_some() {
            return Ok(first);
        }
        let second = observe(&**tracer, spec, cancel)?;
        if second.stopped.is_some() || !second.refused.is_empty() {
            return Ok(second);
        }
        let Some(difference) = difference(&first, &second) else { return Ok(first) };
        for _ in 0..LOOKS {
            for (tracer, before) in [(&*self.first, &first), (&**tracer, &second)] {
                let again = observe(tracer, spec, cancel)?;
                if again.stopped.is_some() || !again.refused.is_empty() {
                    return Ok(again);
                }
                if self::difference(before, &again).is_some() {
                    return Ok(Observation { other: Some(again.trace), ..before.clone() });
                }
            }
        }
        Err(RunError::Disagreement { names: [self.first.name(), tracer.name()], difference })
    }

    /// See [`glimpse`]; one tracer is enough to see how a program ends.
    pub fn glimpse(&self, spec: &Spec, cancel: &Cancel) -> Result<Glimpse, RunError> {
        let _beside_others = TURN.read().unwrap_or_else(PoisonError::into_inner);
        glimpse(&*self.first, spec, cancel)
    }
}

/// The first difference of two observations of the same program.
fn difference(first: &Observation, second: &Observation) -> Option<String> {
    if first.trace.to_string() != second.trace.to_string() {
        let Some(found) = diff::first_difference(&first.trace, &second.trace, CONTEXT) else {
            return Some("their texts differ".into());
        };
        let cell = |text: &Option<String>| text.clone().unwrap_or_default();
        let width = found.rows.iter().map(|row| cell(&row.expected).chars().count()).max().unwrap_or(0);
        let lines = found.rows.iter().take(LINES).map(|row| {
            let mark = if row.expected == row.actual { ' ' } else { '~' };
            format!("  {mark} {:width$} │ {}", cell(&row.expected), cell(&row.actual))
        });
        return Some(lines.collect::<Vec<_>>().join("\n"));
    }
    let rest = |seen: &Observation| {
        let forged: Vec<_> = seen.forged.iter().map(|forged| (forged.why, &forged.text)).collect();
        format!("began {}, proof {:?}, marks forged {forged:?}, missing {:?}", seen.began, seen.proof, seen.missing)
    };
    let (one, other) = (rest(first), rest(second));
    (one != other).then(|| format!("  {one}\n  {other}"))
}
