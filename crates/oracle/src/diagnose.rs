//! The set of mistakes that explains what was seen.
//!
//! A mistake is a patch on the contract ([`crate::hypotheses`]), and patches go together. The search begins with each of them alone,
//! keeps the best sets, and adds one mistake at a time as long as more of the failing runs are explained. A run that is as the contract
//! demands speaks against each mistake that would have shown in it.

mod found;
mod weights;

use std::cmp::Ordering;

use crate::causes::{Cause, cause};
pub use crate::explain::Background;
use crate::explain::{Fit, Watched};
use crate::hypotheses::{self, Hypothesis, Numbers};
use crate::run::Run;
pub use found::{Diagnosis, Mistake};
use found::{backgrounds, fit};
use weights::{
    ALMOST, ANOTHER, BEAM, BEGUN, BY_DAMAGE, BY_DAMAGE_ALONE, CONTRADICTED, ENOUGH, ENOUGH_OF_MANY, EQUAL, GENERAL,
    GLANCE, HARMLESS, LONG, MANY, MOST_ALTERNATIVES, MOST_MISTAKES, READING, TOLERANCE, TOO_EARLY, WORTH,
};

/// Returns the smallest set of mistakes that explains the failing runs best. `decisive` is a run that shows hardly anything but one
/// mistake, such as a counterexample after shrinking: sets that do not explain it come behind all that do.
pub fn diagnose(runs: &[&Run], decisive: Option<&Run>, background: &Background) -> Diagnosis {
    Search::new(runs, decisive, background).diagnosis()
}

/// Mistakes that are made together.
#[derive(Clone)]
struct Set {
    /// By their place in the list of hypotheses, the topmost patch first.
    members: Vec<usize>,
    /// How far it explains each run; `None` if that was not looked at.
    fits: Vec<Option<Fit>>,
    /// Whether it explains the decisive run, if there is one.
    decisive: bool,
    value: f64,
}

impl Set {
    fn compare(&self, other: &Self) -> Ordering {
        self.decisive.cmp(&other.decisive).then(self.value.total_cmp(&other.value))
    }

    fn explains(&self, run: usize) -> bool {
        self.fits[run].is_some_and(Fit::is_explained)
    }
}

struct Search<'a> {
    watched: Vec<Watched<'a>>,
    decisive: Option<Watched<'a>>,
    /// How the allocator may read the open points.
    backgrounds: Vec<Background>,
    hypotheses: Vec<&'static Hypothesis>,
    /// Whether another reading of an open point is a mistake.
    strict: bool,
    /// The failing runs and the passing ones that every set is held against.
    failing: Vec<usize>,
    passing: Vec<usize>,
    /// The long ones, which only the last sets are held against.
    long: Vec<usize>,
}

impl<'a> Search<'a> {
    fn new(runs: &[&'a Run], decisive: Option<&'a Run>, background: &Background) -> Self {
        let backgrounds = backgrounds(background);
        let watched: Vec<Watched<'_>> = runs.iter().map(|run| Watched::of(run, background)).collect();
        let decisive = decisive.map(|run| Watched::of(run, background));
        let all = || watched.iter().map(|watched| watched.run).chain(decisive.as_ref().map(|watched| watched.run));
        let possible = |hypothesis: &&Hypothesis| {
            all().any(|run| hypothesis.patch.may_have_made(run))
                && hypothesis.numbers.apply(background.params, background.readings, &background.seen).is_some()
        };
        let hypotheses = hypotheses::ALL.iter().copied().flatten().filter(possible).collect();
        let is_short = |run: &usize| watched[*run].run.steps.len() <= LONG;
        let (mut failing, passing): (Vec<_>, Vec<_>) = (0..watched.len()).partition(|run| watched[*run].fails);
        let mut long: Vec<usize> = failing.iter().copied().filter(|run| !is_short(run)).collect();
        failing.retain(is_short);
        // Where little else fails, some of the long ones must do: a short one alone seldom tells mistakes apart.
        long.sort_by_key(|run| watched[*run].run.steps.len());
        failing.extend(long.drain(..GLANCE.saturating_sub(failing.len()).min(long.len())));
        let passing = passing.into_iter().filter(is_short).collect();
        Self { watched, decisive, backgrounds, hypotheses, strict: background.strict, failing, passing, long }
    }

    fn set(&self, members: &[usize]) -> Vec<&'static Hypothesis> {
        members.iter().map(|member| self.hypotheses[*member]).collect()
    }

    /// Returns how far an allocator with these mistakes explains a run.
    fn fit(&self, members: &[usize], run: &Watched<'_>, background: &Background) -> Fit {
        fit(&self.set(members), run, background)
    }

    /// Returns the value of a fit.
    fn worth(&self, members: &[usize], run: usize, fit: Fit) -> f64 {
        let Watched { run, leaves, fails, .. } = &self.watched[run];
        match (fit, fails) {
            _ if *fails && self.is_general(members) => {
                if fit.is_explained() {
                    GENERAL
                } else {
                    0.0
                }
            }
            (Fit::Whole, true) => 1.0,
            (Fit::Lucky, true) => 1.0 - HARMLESS[0],
            (Fit::Damage(likely), true) => BY_DAMAGE * likely,
            (Fit::Refuted(_), true) => -TOO_EARLY,
            (Fit::Until(step), true) => {
                let length = run.steps.len();
                let leaves = leaves.unwrap_or(length);
                match step.cmp(&leaves) {
                    Ordering::Less => -TOO_EARLY,
                    Ordering::Equal => 0.0,
                    // A long one that is not explained to its end tells nothing apart.
                    Ordering::Greater if length > LONG => 0.0,
                    #[expect(clippy::cast_precision_loss, reason = "a share")]
                    Ordering::Greater => BEGUN + ALMOST * (step - leaves) as f64 / (length - leaves + 1) as f64,
                }
            }
            (Fit::Whole, false) => 0.0,
            (Fit::Lucky, false) => -HARMLESS[0],
            (Fit::Damage(_), false) => -HARMLESS[1],
            (Fit::Until(_) | Fit::Refuted(_), false) => -CONTRADICTED,
        }
    }

    /// Whether one of the mistakes tells no more than how a run ended.
    fn is_general(&self, members: &[usize]) -> bool {
        members.iter().any(|member| hypotheses::is_general(self.hypotheses[*member].cause))
    }

    /// Whether a member is no mistake, but another reading of an open point.
    fn is_reading(&self, member: usize) -> bool {
        !self.strict && self.hypotheses[member].numbers.is_reading()
    }

    /// Returns the cost of a number of mistakes and readings.
    fn cost(&self, members: &[usize]) -> f64 {
        let readings = members.iter().filter(|member| self.is_reading(**member)).count();
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let (readings, more) = (readings as f64, (members.len() - readings).saturating_sub(1) as f64);
        ANOTHER * more + READING * readings
    }

    /// Holds a set against runs, on the background that suits it best. `base`: a set without its newest member.
    fn evaluate(&self, members: Vec<usize>, base: Option<&Set>) -> Option<Set> {
        let sets = self.backgrounds.iter().filter_map(|background| self.evaluate_on(&members, base, background));
        sets.max_by(Set::compare)
    }

    fn evaluate_on(&self, members: &[usize], base: Option<&Set>, background: &Background) -> Option<Set> {
        let mut fits = vec![None; self.watched.len()];
        let mut value = -self.cost(members);
        let open: Vec<usize> = match base {
            Some(base) => {
                self.failing.iter().copied().filter(|run| !base.fits[*run].is_some_and(Fit::is_whole)).collect()
            }
            None => self.failing.clone(),
        };
        let before =
            |run: &usize| base.and_then(|base| Some(self.worth(&base.members, *run, base.fits[*run]?))).unwrap_or(0.0);
        let mut gain = 0.0;
        let (first, rest) = self.glance(open);
        for run in &first {
            let fit = self.fit(members, &self.watched[*run], background);
            gain += (self.worth(members, *run, fit) - before(run)).max(0.0);
            fits[*run] = Some(fit);
        }
        let decisive = self.decisive.as_ref().is_none_or(|run| self.fit(members, run, background).is_explained());
        if gain <= 0.0 && !(decisive && self.decisive.is_some()) {
            return None;
        }
        for run in &rest {
            fits[*run] = Some(self.fit(members, &self.watched[*run], background));
        }
        for run in self.failing.iter().chain(&self.passing) {
            let fit = match fits[*run] {
                Some(fit) => fit,
                None => *fits[*run].insert(self.fit(members, &self.watched[*run], background)),
            };
            value += self.worth(members, *run, fit);
        }
        Some(Set { members: members.to_vec(), fits, decisive, value })
    }

    /// Some of the runs, among them the shortest, and the others.
    fn glance(&self, mut runs: Vec<usize>) -> (Vec<usize>, Vec<usize>) {
        runs.sort_by_key(|run| self.watched[*run].run.steps.len());
        let shortest = runs.len().min(GLANCE / 2);
        let rest = runs.split_off(shortest);
        let stride = rest.len().div_ceil(GLANCE - GLANCE / 2).max(1);
        let (more, rest): (Vec<_>, Vec<_>) = rest.into_iter().enumerate().partition(|(place, _)| place % stride == 0);
        runs.extend(more.into_iter().map(|(_, run)| run));
        (runs, rest.into_iter().map(|(_, run)| run).collect())
    }

    /// The sets with one mistake more, which are better than `set`.
    fn extended(&self, set: &Set) -> Vec<Set> {
        let mut found = Vec::new();
        for candidate in 0..self.hypotheses.len() {
            if set.members.iter().any(|member| self.contradict(*member, candidate)) {
                continue;
            }
            let above = [&[candidate][..], &set.members].concat();
            found.extend(self.evaluate(above, Some(set)).filter(|extended| extended.compare(set).is_gt()));
        }
        found
    }

    /// Whether no allocator makes both mistakes.
    fn contradict(&self, one: usize, other: usize) -> bool {
        let (one, other) = (self.hypotheses[one], self.hypotheses[other]);
        let counting = one.numbers != Numbers::Right && other.numbers != Numbers::Right;
        let general = hypotheses::is_general(one.cause) || hypotheses::is_general(other.cause);
        one.cause == other.cause || general || (counting && one.numbers.same_kind(other.numbers))
    }

    /// The best set; none if no set is worth anything.
    fn best(&self) -> Option<Set> {
        let mut beam: Vec<Set> =
            (0..self.hypotheses.len()).filter_map(|hypothesis| self.evaluate(vec![hypothesis], None)).collect();
        // Stable: of equal ones the more specific stays first.
        beam.sort_by(|one, other| other.compare(one));
        beam.truncate(BEAM);
        let mut best = beam.first().cloned();
        for mistakes in 2..=MOST_MISTAKES {
            #[expect(clippy::cast_precision_loss, reason = "a handful")]
            let most = self.failing.len() as f64 - ANOTHER * (mistakes - 1) as f64;
            if best.as_ref().is_some_and(|best| best.value >= most) {
                break;
            }
            let open = |set: &&Set| self.failing.iter().any(|run| !set.fits[*run].is_some_and(Fit::is_whole));
            let mut next: Vec<Set> = beam.iter().filter(open).flat_map(|set| self.extended(set)).collect();
            next.sort_by(|one, other| other.compare(one));
            next.dedup_by(|one, other| same(&one.members, &other.members));
            next.truncate(BEAM);
            let Some(first) = next.first() else { break };
            if best.as_ref().is_some_and(|best| first.compare(best).is_le()) {
                break;
            }
            best = Some(first.clone());
            beam = next;
        }
        best.filter(|best| best.value >= WORTH || self.is_decided(best))
    }

    fn diagnosis(&self) -> Diagnosis {
        let mut failing: Vec<usize> = self.failing.iter().chain(&self.long).copied().collect();
        failing.sort_unstable();
        let Some(mut best) = self.best() else {
            return Diagnosis::unknown(failing);
        };
        for run in &self.long {
            let worth = |run: usize, fit: Fit| self.worth(&best.members, run, fit);
            let fits = self.backgrounds.iter().map(|on| self.fit(&best.members, &self.watched[*run], on));
            best.fits[*run] = fits.max_by(|one, other| worth(*run, *one).total_cmp(&worth(*run, *other)));
        }
        let unexplained: Vec<usize> = failing.iter().copied().filter(|run| !best.explains(*run)).collect();
        if !self.is_certain(&best, failing.len() - unexplained.len(), failing.len()) {
            return Diagnosis::unknown(failing);
        }
        let mut mistakes: Vec<Mistake> = (0..best.members.len())
            .filter(|member| !self.is_reading(best.members[*member]))
            .filter_map(|member| self.mistake(&best, member, &failing, unexplained.len()))
            .collect();
        // Where some of the set are not named, the others must be enough.
        let shown = failing.iter().filter(|run| mistakes.iter().any(|mistake| mistake.shown_by.contains(run))).count();
        let all = mistakes.len() == best.members.iter().filter(|member| !self.is_reading(**member)).count();
        if !(all || self.is_decided(&best) || is_enough(mistakes.len(), shown, failing.len())) {
            return Diagnosis::unknown(failing);
        }
        mistakes.sort_by_key(|mistake| std::cmp::Reverse(mistake.shown_by.len()));
        Diagnosis { mistakes, failing, unexplained, set: self.set(&best.members) }
    }

    /// Returns whether there is a decisive run, and a set explains it.
    fn is_decided(&self, set: &Set) -> bool {
        self.decisive.is_some() && set.decisive
    }

    /// Returns whether a set may be named: it explains enough of the failing runs, and little speaks against it.
    fn is_certain(&self, set: &Set, explained: usize, failing: usize) -> bool {
        let against = |run: &&usize| {
            let fit = set.fits[**run];
            let contradicted = !self.watched[**run].fails && !fit.is_some_and(Fit::is_whole);
            contradicted || matches!(fit, Some(Fit::Refuted(_)))
        };
        let against = self.failing.iter().chain(&self.long).chain(&self.passing).filter(against).count();
        (is_enough(set.members.len(), explained, failing) || self.is_decided(set)) && against * TOLERANCE <= explained
    }

    /// Returns one member of the best set as a mistake, with the causes that explain as much in its place. `unexplained`: the number
    /// of failing runs that the set leaves unexplained.
    fn mistake(&self, best: &Set, member: usize, failing: &[usize], unexplained: usize) -> Option<Mistake> {
        let mut others = best.members.clone();
        let own = others.remove(member);
        // Without it these runs are not explained.
        let without = |run: usize| {
            let fits = self.backgrounds.iter().map(|on| self.fit(&others, &self.watched[run], on));
            fits.into_iter().any(Fit::is_explained)
        };
        let shown_by: Vec<usize> =
            failing.iter().copied().filter(|run| best.explains(*run) && !without(*run)).collect();
        let plainly = shown_by.iter().any(|run| best.fits[*run].is_some_and(Fit::is_whole));
        if !others.is_empty() && !plainly && shown_by.len() * BY_DAMAGE_ALONE < failing.len() {
            return None;
        }
        // One of several that is shown by fewer runs than are left unexplained is as likely a part of what is not known.
        if !others.is_empty() && shown_by.len() < unexplained {
            return None;
        }
        let first = cause(self.hypotheses[own].cause)?;
        let mut alternatives: Vec<&Cause> = Vec::new();
        for candidate in 0..self.hypotheses.len() {
            let hypothesis = self.hypotheses[candidate];
            // Of causes that tell no more than an end, the first is the most specific.
            let known = hypothesis.cause == first.id
                || self.is_reading(candidate)
                || hypotheses::is_general(hypothesis.cause)
                || alternatives.iter().any(|other| other.id == hypothesis.cause);
            if known || others.iter().any(|other| self.contradict(*other, candidate)) {
                continue;
            }
            let mut members = others.clone();
            members.insert(member, candidate);
            if self.is_as_good(best, &members, &shown_by) {
                alternatives.extend(cause(hypothesis.cause));
            }
        }
        let certain = alternatives.len() < MOST_ALTERNATIVES;
        certain.then_some(Mistake { cause: first, alternatives, shown_by, member })
    }
}

impl Search<'_> {
    /// Whether other mistakes explain as much as the best ones. `first`: the runs that decide it soonest.
    fn is_as_good(&self, best: &Set, members: &[usize], first: &[usize]) -> bool {
        let as_good = |background: &Background| {
            let mut loss = self.cost(members) - self.cost(&best.members);
            let runs = first.iter().chain(self.failing.iter().chain(&self.passing).filter(|run| !first.contains(run)));
            for run in runs {
                let Some(fit) = best.fits[*run] else { continue };
                let other = self.fit(members, &self.watched[*run], background);
                loss += self.worth(&best.members, *run, fit) - self.worth(members, *run, other);
                if loss >= EQUAL && (loss > 1.0 || first.last() == Some(run)) {
                    return false;
                }
            }
            let decisive = self.decisive.as_ref().is_none_or(|run| self.fit(members, run, background).is_explained());
            loss < EQUAL && decisive == best.decisive
        };
        self.backgrounds.iter().any(as_good)
    }
}

/// Whether two lists have the same members.
fn same(one: &[usize], other: &[usize]) -> bool {
    one.len() == other.len() && one.iter().all(|member| other.contains(member))
}

/// Returns whether a number of mistakes explains enough of the failing runs to be named.
fn is_enough(mistakes: usize, explained: usize, failing: usize) -> bool {
    let [of, enough] = if mistakes > 1 || failing >= MANY { ENOUGH_OF_MANY } else { ENOUGH };
    explained * of >= failing * enough
}
