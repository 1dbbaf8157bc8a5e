//! The mistakes that a search has found, and runs held against them.

use crate::causes::Cause;
use crate::explain::{Background, Fit, Watched};
use crate::hypotheses::{Hypothesis, Numbers};
use crate::readings::Readings;
use crate::rules::{Patch, Rules};
use crate::run::Run;

/// The mistakes found.
#[derive(Clone, Debug, Default)]
pub struct Diagnosis {
    /// Each mistake once, the one that explains most first.
    pub mistakes: Vec<Mistake>,
    /// The failing runs, by their place among those given.
    pub failing: Vec<usize>,
    /// The failing runs that no known mistake explains.
    pub unexplained: Vec<usize>,
    /// The patches of the set that was found, the topmost first, with readings of open points among them.
    pub(super) set: Vec<&'static Hypothesis>,
}

/// One mistake.
#[derive(Clone, Debug)]
pub struct Mistake {
    /// Its cause.
    pub cause: &'static Cause,
    /// Other causes that explain as much in its place.
    pub alternatives: Vec<&'static Cause>,
    /// The failing runs that show it, by their place among those given.
    pub shown_by: Vec<usize>,
    /// Its place in the set.
    pub(super) member: usize,
}

impl Diagnosis {
    /// Names no mistake: all these runs fail, and none is explained.
    pub(super) fn unknown(failing: Vec<usize>) -> Self {
        Self { unexplained: failing.clone(), failing, ..Self::default() }
    }

    /// Returns whether an allocator with just these mistakes explains a run, be it none of those given.
    pub fn explains(&self, run: &Run, background: &Background) -> bool {
        explained(&self.set, run, background)
    }

    /// Returns whether a run speaks against an allocator with just these mistakes: they differ before any memory is destroyed.
    pub fn is_contradicted(&self, run: &Run, background: &Background) -> bool {
        let watched = Watched::of(run, background);
        let (patches, numbers) = parts(&self.set);
        let contradicts = |background: &Background| watched.contradicts(Rules::patched(&patches), &numbers, background);
        backgrounds(background).iter().all(contradicts)
    }

    /// Returns whether a run shows one of the mistakes: it is explained with it, and not without it.
    pub fn shows(&self, mistake: &Mistake, run: &Run, background: &Background) -> bool {
        let mut others = self.set.clone();
        others.remove(mistake.member);
        self.explains(run, background) && !explained(&others, run, background)
    }

    /// The mistakes that a run shows.
    pub fn shown_by(&self, run: usize) -> impl Iterator<Item = &Mistake> {
        self.mistakes.iter().filter(move |mistake| mistake.shown_by.contains(&run))
    }
}

/// Returns whether an allocator with these mistakes explains a run.
fn explained(set: &[&'static Hypothesis], run: &Run, background: &Background) -> bool {
    let watched = Watched::of(run, background);
    backgrounds(background).iter().any(|background| fit(set, &watched, background).is_explained())
}

/// Returns the ways in which the allocator may read the open points: a wrong one's reading may be the mistake itself, so that the
/// contract's readings are tried as well.
pub(super) fn backgrounds(background: &Background) -> Vec<Background> {
    let plain = Background { readings: Readings::CONTRACT, ..*background };
    if background.readings == plain.readings { vec![plain] } else { vec![*background, plain] }
}

/// Returns how far an allocator with these mistakes explains a run.
pub(super) fn fit(set: &[&'static Hypothesis], run: &Watched<'_>, background: &Background) -> Fit {
    let (patches, numbers) = parts(set);
    run.explain(Rules::patched(&patches), &numbers, background).unwrap_or(Fit::Until(0))
}

fn parts(set: &[&'static Hypothesis]) -> (Vec<&'static dyn Patch>, Vec<Numbers>) {
    set.iter().map(|hypothesis| (hypothesis.patch, hypothesis.numbers)).unzip()
}
