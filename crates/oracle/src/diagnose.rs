//! Which mistake explains what was seen: each hypothesis is run against every run, and the one that explains most comes first.

use std::cmp::Ordering;

use crate::call::{Granting, NULL, Request, Seen, System};
use crate::causes::{Cause, cause};
use crate::hypotheses::{self, Hypothesis, Numbers, SeenNumbers};
use crate::model::Model;
use crate::params::Params;
use crate::readings::Readings;
use crate::rules::Contract;
use crate::run::{Call, Check, End, Run, Step, Trouble};

/// A cause with what it explains.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Diagnosis {
    /// The mistake.
    pub cause: &'static Cause,
    /// Runs that it explains to their ends.
    pub explained: usize,
    /// All runs.
    pub runs: usize,
    /// It explains as much as the first one does.
    pub equal: bool,
    score: Score,
}

/// What is known of the allocator before any mistake is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Background {
    /// What it should count with.
    pub params: Params,
    /// How it reads the open points.
    pub readings: Readings,
    /// Whether another reading is a mistake: in the profile *strict*.
    pub strict: bool,
    /// What it seems to count with.
    pub seen: SeenNumbers,
}

/// A run explained up to where the mistake has destroyed something: what follows cannot be foretold.
const DESTROYED: f64 = 0.7;
/// The later it shows, the less likely that it was this: after so many steps not at all.
const LATE: f64 = 60.0;
/// A run that ended in the trouble to be expected after that.
const TROUBLED: f64 = 0.95;
/// A run that ended well all the same.
const LUCKY: f64 = 0.97;
/// What a cause that explains no rule is behind one that does.
const GENERAL: f64 = 0.3;
/// What a cause that explains no rule must explain beyond others to be named at all.
const DOUBT: f64 = 0.1;
/// A run of which only the beginning is explained, if that were nearly all of it.
const BEGINNING: f64 = 0.1;
/// A run counts as explained from here on.
const HALF: f64 = 0.5;
/// Scores that differ by less are equal.
const EQUAL: f64 = 0.05;
/// A cause must explain so much more than no mistake at all does.
const WORTH: f64 = 0.4;

/// The causes that explain `runs` better than the contract does, best first. `decisive` is a run that shows hardly anything but the
/// mistake, such as a counterexample after shrinking: what does not explain it comes behind all that do.
pub fn diagnose(runs: &[&Run], decisive: Option<&Run>, background: &Background) -> Vec<Diagnosis> {
    let right = Hypothesis { cause: "", rules: &Contract, numbers: Numbers::Right };
    let watched: Vec<Watched<'_>> = runs.iter().map(|run| Watched::of(run, background)).collect();
    let decisive = decisive.map(|run| Watched::of(run, background));
    // How a wrong allocator seems to read an open point may be the mistake itself: the contract's readings are tried as well.
    let plain = Background { readings: Readings::CONTRACT, ..*background };
    let backgrounds = if background.readings == plain.readings { &[plain][..] } else { &[*background, plain] };
    let explained = |hypothesis: &Hypothesis| {
        let scores = backgrounds.iter().map(|background| Score::of(hypothesis, &watched, decisive, background));
        scores.max_by(Score::compare).unwrap_or_default()
    };
    let threshold = explained(&right).total + WORTH;
    let mut found: Vec<Diagnosis> = Vec::new();
    for hypothesis in hypotheses::ALL.iter().copied().flatten() {
        if hypothesis.numbers.is_reading() && !background.strict {
            continue;
        }
        let mut score = explained(hypothesis);
        let general = hypotheses::is_general(hypothesis.cause);
        let worth = score.total > if general { threshold + DOUBT } else { threshold };
        if general {
            score.total -= GENERAL;
        }
        let Some(cause) = cause(hypothesis.cause).filter(|_| worth) else { continue };
        match found.iter_mut().find(|other| other.cause.id == cause.id) {
            Some(other) if score.total > other.score.total => other.score = score,
            Some(_) => {}
            None => found.push(Diagnosis { cause, explained: 0, runs: runs.len(), equal: false, score }),
        }
    }
    // Stable: of equal ones the more specific stays first.
    found.sort_by(|one, other| one.score.compare(&other.score).reverse());
    let best = found.first().map(|first| first.score).unwrap_or_default();
    for diagnosis in &mut found {
        diagnosis.explained = diagnosis.score.explained;
        diagnosis.equal = best.compare(&diagnosis.score).is_eq();
    }
    found
}

/// How well a hypothesis explains what was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Score {
    /// Whether it explains the decisive run; if there is none, it does.
    decisive: bool,
    /// The credits for all runs.
    total: f64,
    /// How many runs are explained.
    explained: usize,
}

impl Score {
    fn of(
        hypothesis: &Hypothesis,
        runs: &[Watched<'_>],
        decisive: Option<Watched<'_>>,
        background: &Background,
    ) -> Self {
        let credit = |watched: Watched<'_>| explain(hypothesis, watched, background);
        let credits = runs.iter().copied().map(credit);
        let (total, explained) = credits
            .fold((0.0, 0), |(total, explained), credit| (total + credit, explained + usize::from(credit >= HALF)));
        Self { decisive: decisive.is_none_or(|run| credit(run) >= HALF), total, explained }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let near = (self.total - other.total).abs() < EQUAL;
        let totals = if near { Ordering::Equal } else { self.total.total_cmp(&other.total) };
        self.decisive.cmp(&other.decisive).then(totals)
    }
}

/// A run with the step where its calls leave the contract, if they do.
#[derive(Clone, Copy)]
struct Watched<'a> {
    run: &'a Run,
    leaves: Option<usize>,
}

impl<'a> Watched<'a> {
    fn of(run: &'a Run, background: &Background) -> Self {
        let replay = Replay::new(&Contract, Numbers::Right, run, background);
        let leaves =
            replay.and_then(|mut replay| run.steps.iter().position(|step| !matches!(replay.step(step), Fit::Exact)));
        Self { run, leaves }
    }
}

/// How much of a run a hypothesis explains: 1 for all of it.
fn explain(hypothesis: &Hypothesis, watched: Watched<'_>, background: &Background) -> f64 {
    let Watched { run, leaves } = watched;
    let Some(mut replay) = Replay::new(hypothesis.rules, hypothesis.numbers, run, background) else { return 0.0 };
    for (number, step) in run.steps.iter().enumerate() {
        match replay.step(step) {
            Fit::Exact => {}
            Fit::Never(call) if replay.excuses(run, call, true, leaves.is_some()) => return 1.0,
            Fit::Never(_) => return replay.troubled(number, watched),
            Fit::Not => return replay.credit(DESTROYED, number, watched),
        }
    }
    match run.calls().next_back() {
        _ if run.end == End::Fine && replay.model.heap.memo.corrupted => LUCKY,
        _ if run.end == End::Fine => 1.0,
        Some(call) if replay.excuses(run, call, false, leaves.is_some()) => 1.0,
        None if replay.excuses(run, &NO_CALL, false, leaves.is_some()) => 1.0,
        _ => replay.troubled(run.steps.len(), watched),
    }
}

/// Stands for the last call of a run without any.
const NO_CALL: Call = Call { request: Request::Free { pointer: NULL }, asked: Vec::new(), result: Some(NULL) };

enum Fit<'a> {
    /// As it was seen.
    Exact,
    /// It began as it was seen, and never returned.
    Never(&'a Call),
    /// Otherwise.
    Not,
}

/// A model on its way through a run.
struct Replay {
    model: Model<'static>,
    asked: Vec<System>,
    /// Steps so far.
    steps: usize,
    /// So many came before something was destroyed.
    sound: Option<usize>,
}

impl Replay {
    fn new(
        rules: &'static dyn crate::rules::Rules,
        numbers: Numbers,
        run: &Run,
        background: &Background,
    ) -> Option<Self> {
        let (params, readings) = numbers.apply(background.params, background.readings, &background.seen)?;
        let mut model = Model::new(rules, params, readings, run.brk);
        model.load(&mut Granting::new(), &mut Vec::new());
        Some(Self { model, asked: Vec::new(), steps: 0, sound: None })
    }

    fn step<'a>(&mut self, step: &'a Step) -> Fit<'a> {
        self.steps += 1;
        let call = match step {
            Step::Program(to) => {
                self.model.break_moved(*to);
                return Fit::Exact;
            }
            Step::Call(call) => call,
        };
        self.asked.clear();
        if self.model.heap.memo.corrupted {
            self.sound.get_or_insert(self.steps - 1);
        }
        let result = self.model.call(call.request, &mut Seen::new(&call.asked), &mut self.asked);
        let own = Call { request: call.request, asked: std::mem::take(&mut self.asked), result: Some(result) };
        let fit = if call.result.is_none() {
            let usual = call.asked.iter().filter(|event| !matches!(event, System::Other(_) | System::Signal(_)));
            let begins = usual.zip(&own.asked).all(|(seen, own)| seen == own);
            self.corrupt();
            if begins { Fit::Never(call) } else { Fit::Not }
        } else if self.model.rules().explains(&own, call, &self.model.heap) {
            self.corrupt();
            Fit::Exact
        } else {
            self.model.heap.memo.corrupted |= self.model.rules().gives_up(&own, call, &self.model.heap);
            Fit::Not
        };
        self.asked = own.asked;
        fit
    }

    /// What the call that is over has destroyed behind it.
    fn corrupt(&mut self) {
        let memo = &mut self.model.heap.memo;
        memo.corrupted |= std::mem::take(&mut memo.corrupts);
    }

    /// Whether an allocator of this kind may end so.
    fn excuses(&self, run: &Run, call: &Call, inside: bool, visible: bool) -> bool {
        let noticed = matches!(run.end, End::Check(Check::Other | Check::Misaligned | Check::Overlap));
        let other_calls = || run.calls().flat_map(|call| &call.asked).any(|event| matches!(event, System::Other(_)));
        let other_calls = matches!(run.end, End::Timeout | End::Limit) && other_calls();
        let trouble = Trouble { end: &run.end, request: call.request, asked: &call.asked, inside, other_calls };
        (noticed && visible && !inside) || self.model.rules().excuses(&trouble, &self.model.heap)
    }

    /// The credit for a run that is explained but for its end.
    fn troubled(&self, number: usize, watched: Watched<'_>) -> f64 {
        let end = &watched.run.end;
        let by_damage = matches!(end, End::Crash(_) | End::Check(_)) && *end != End::Check(Check::NotZero);
        self.credit(if by_damage { TROUBLED } else { 0.0 }, number, watched)
    }

    /// The credit for a run that is explained up to the step of this number: `destroyed` if something was destroyed just before it
    /// left the contract, otherwise a little for the beginning.
    fn credit(&self, destroyed: f64, number: usize, watched: Watched<'_>) -> f64 {
        let length = watched.run.steps.len();
        let left = number.max(watched.leaves.unwrap_or(length));
        #[expect(clippy::cast_precision_loss, reason = "shares")]
        let (since, share) =
            (left.saturating_sub(self.sound.unwrap_or(self.steps)) as f64, number as f64 / (length + 1) as f64);
        let beginning = BEGINNING * share;
        if self.model.heap.memo.corrupted { (destroyed * (1.0 - since / LATE)).max(beginning) } else { beginning }
    }
}
