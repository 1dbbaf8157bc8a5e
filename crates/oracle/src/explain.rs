//! How much of a run an allocator explains: the contract under patches, held against what was seen.

use crate::call::{Granting, NULL, Request, Seen, System};
use crate::hypotheses::{Numbers, SeenNumbers};
use crate::model::Model;
use crate::params::Params;
use crate::readings::Readings;
use crate::rules::Rules;
use crate::run::{Call, Check, End, Run, Step, Trouble};

/// Facts about the allocator that are known before any mistake is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Background {
    /// The numbers that it should count with.
    pub params: Params,
    /// Its readings of the open points.
    pub readings: Readings,
    /// Whether another reading is a mistake: in the profile *strict*.
    pub strict: bool,
    /// The numbers that it seems to count with.
    pub seen: SeenNumbers,
}

/// How far an explanation of a run reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fit {
    /// To its end, which is as it must be.
    Whole,
    /// To its end, although memory was destroyed before, and that had no consequence.
    Lucky,
    /// Up to a step where memory had been destroyed, so that nothing more can be foretold: how likely that is, from 0 to 1.
    Damage(f64),
    /// Up to the step of this number, and no further.
    Until(usize),
    /// The same, and there such an allocator differs from the contract in another way than the one seen: this speaks against it.
    Refuted(usize),
}

impl Fit {
    /// Whether the run is explained to its end without any damage.
    pub const fn is_whole(self) -> bool {
        matches!(self, Self::Whole | Self::Lucky)
    }

    /// Whether the run is explained, by damage at worst.
    pub fn is_explained(self) -> bool {
        match self {
            Self::Whole | Self::Lucky => true,
            Self::Damage(likely) => likely >= HALF,
            Self::Until(_) | Self::Refuted(_) => false,
        }
    }
}

/// A run explained up to where memory was destroyed, if it ended in trouble and if it ended well.
const DESTROYED: [f64; 2] = [0.7, 0.3];
/// The number of steps after which damage explains nothing any more.
const LATE: f64 = 60.0;
/// A run that ended in the trouble to be expected after damage.
const TROUBLED: f64 = 0.95;
/// Damage explains a run from here on.
const HALF: f64 = 0.5;

/// A run with the step where it leaves the contract, if it does.
#[derive(Clone)]
pub struct Watched<'a> {
    /// The run.
    pub run: &'a Run,
    /// The first step that is not as the contract demands.
    pub leaves: Option<usize>,
    /// The step as the contract demands it there.
    expected: Option<Call>,
    /// Whether the contract does not explain it, be it only its end.
    pub fails: bool,
}

impl<'a> Watched<'a> {
    /// Holds a run against the contract.
    pub fn of(run: &'a Run, background: &Background) -> Self {
        let mut replay = Replay::new(Rules::CONTRACT, &[], run, background);
        let leaves = replay
            .as_mut()
            .and_then(|replay| run.steps.iter().position(|step| !matches!(replay.step(step), Outcome::Exact)));
        let expected = replay.and_then(|replay| replay.own).filter(|_| leaves.is_some());
        let fails = leaves.is_some() || run.end != End::Fine;
        Self { run, leaves, expected, fails }
    }

    /// Returns how far an allocator explains the run; `None` if there is no such allocator.
    pub fn explain(&self, rules: Rules<'_>, numbers: &[Numbers], background: &Background) -> Option<Fit> {
        let mut replay = Replay::new(rules, numbers, self.run, background)?;
        Some(self.fit(&mut replay))
    }

    /// Returns whether an allocator differs from the run before any memory is destroyed; false if there is no such allocator.
    pub fn contradicts(&self, rules: Rules<'_>, numbers: &[Numbers], background: &Background) -> bool {
        Replay::new(rules, numbers, self.run, background).is_some_and(|mut replay| {
            let fit = self.fit(&mut replay);
            let memo = &replay.model.heap.memo;
            matches!(fit, Fit::Until(_) | Fit::Refuted(_)) && !memo.corrupted && !memo.overrun
        })
    }

    fn fit(&self, replay: &mut Replay<'_>) -> Fit {
        let run = self.run;
        for (number, step) in run.steps.iter().enumerate() {
            match replay.step(step) {
                Outcome::Exact => {}
                Outcome::Never(call) if replay.excuses(run, call, true, self.leaves.is_some()) => {
                    return Fit::Whole;
                }
                Outcome::Never(_) => return replay.troubled(number, self),
                Outcome::Other => {
                    let likely = DESTROYED[usize::from(run.end == End::Fine)];
                    return match replay.damaged(likely, number, self) {
                        Fit::Until(number) if self.is_refuted(replay, number) => Fit::Refuted(number),
                        fit => fit,
                    };
                }
            }
        }
        replay.expose();
        let no_call = Call { request: Request::Free { pointer: NULL }, asked: Vec::new(), result: Some(NULL) };
        let last = run.calls().next_back().unwrap_or(&no_call);
        match run.end {
            End::Fine if replay.model.heap.memo.corrupted => Fit::Lucky,
            End::Fine => Fit::Whole,
            _ if replay.excuses(run, last, false, self.leaves.is_some()) => Fit::Whole,
            _ => replay.troubled(run.steps.len(), self),
        }
    }
}

impl Watched<'_> {
    /// Whether a model that differs from what was seen differs from the contract as well.
    fn is_refuted(&self, replay: &Replay<'_>, number: usize) -> bool {
        match self.leaves {
            Some(leaves) if number > leaves => false,
            Some(leaves) if number == leaves => replay.own != self.expected,
            _ => true,
        }
    }
}

/// One step of the model beside the step that was seen.
enum Outcome<'a> {
    /// Both are alike.
    Exact,
    /// The call began as it was seen, and never returned.
    Never(&'a Call),
    /// They differ.
    Other,
}

/// A model on its way through a run.
struct Replay<'r> {
    model: Model<'r>,
    asked: Vec<System>,
    /// The last call as the model made it, if that differs from the one seen.
    own: Option<Call>,
    /// Steps so far.
    steps: usize,
    /// The number of steps before something was destroyed.
    sound: Option<usize>,
}

impl<'r> Replay<'r> {
    fn new(rules: Rules<'r>, numbers: &[Numbers], run: &Run, background: &Background) -> Option<Self> {
        let (mut params, mut readings) = (background.params, background.readings);
        for number in numbers {
            (params, readings) = number.apply(params, readings, &background.seen)?;
        }
        let mut model = Model::new(rules, params, readings, run.brk);
        model.load(&mut Granting::new(), &mut Vec::new());
        Some(Self { model, asked: Vec::new(), own: None, steps: 0, sound: None })
    }

    fn step<'a>(&mut self, step: &'a Step) -> Outcome<'a> {
        self.steps += 1;
        let call = match step {
            Step::Program(to) => {
                self.model.break_moved(*to);
                return Outcome::Exact;
            }
            Step::Call(call) => call,
        };
        self.asked.clear();
        self.expose();
        if self.model.heap.memo.corrupted {
            self.sound.get_or_insert(self.steps - 1);
        }
        let result = self.model.call(call.request, &mut Seen::new(&call.asked), &mut self.asked);
        let own = Call { request: call.request, asked: std::mem::take(&mut self.asked), result: Some(result) };
        let outcome = if call.result.is_none() {
            let usual = call.asked.iter().filter(|event| !matches!(event, System::Other(_) | System::Signal(_)));
            let begins = usual.zip(&own.asked).all(|(seen, own)| seen == own);
            self.corrupt();
            if begins { Outcome::Never(call) } else { Outcome::Other }
        } else if self.model.rules().explains(&own, call, &self.model.heap) {
            self.corrupt();
            Outcome::Exact
        } else {
            self.model.heap.memo.corrupted |= self.model.rules().gives_up(&own, call, &self.model.heap);
            self.own = Some(own.clone());
            Outcome::Other
        };
        self.asked = own.asked;
        outcome
    }

    /// Destroys what the program has written over since the last call.
    fn expose(&mut self) {
        let memo = &mut self.model.heap.memo;
        memo.corrupted |= std::mem::take(&mut memo.exposed);
    }

    /// Takes over what the call that is over has destroyed behind it.
    fn corrupt(&mut self) {
        let memo = &mut self.model.heap.memo;
        memo.corrupted |= std::mem::take(&mut memo.corrupts);
    }

    /// Returns whether an allocator of this kind may end so.
    fn excuses(&self, run: &Run, call: &Call, inside: bool, visible: bool) -> bool {
        let noticed = matches!(
            run.end,
            End::Check(Check::Other | Check::Misaligned | Check::Overlap | Check::Written | Check::Lost)
        );
        let other_calls = || run.calls().flat_map(|call| &call.asked).any(|event| matches!(event, System::Other(_)));
        let other_calls = matches!(run.end, End::Timeout | End::Limit) && other_calls();
        let trouble = Trouble { end: &run.end, request: call.request, asked: &call.asked, inside, other_calls };
        (noticed && visible && !inside) || self.model.rules().excuses(&trouble, &self.model.heap)
    }

    /// Judges a run that is explained but for its end.
    fn troubled(&self, number: usize, watched: &Watched<'_>) -> Fit {
        let end = &watched.run.end;
        let by_damage = matches!(end, End::Crash(_) | End::Check(_)) && *end != End::Check(Check::NotZero);
        self.damaged(if by_damage { TROUBLED } else { 0.0 }, number, watched)
    }

    /// Judges a run that is explained up to the step of this number. `likely`: how likely what followed is right after damage.
    fn damaged(&self, likely: f64, number: usize, watched: &Watched<'_>) -> Fit {
        let memo = &self.model.heap.memo;
        // Beyond the break nothing is harmed, but a program that writes there may be ended.
        let overrun = memo.overrun && matches!(watched.run.end, End::Crash(_));
        if !(memo.corrupted || overrun) || likely <= 0.0 {
            return Fit::Until(number);
        }
        let left = number.max(watched.leaves.unwrap_or(watched.run.steps.len()));
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let since = left.saturating_sub(self.sound.unwrap_or(self.steps)) as f64;
        let likely = likely * (1.0 - since / LATE);
        if likely > 0.0 { Fit::Damage(likely) } else { Fit::Until(number) }
    }
}
