//! From a run to its picture: the model follows it, the rows before and behind each call are noted as changes.

use osmem_oracle::call::{NULL, Seen};
use osmem_oracle::follow::{Divergence, Follower};
use osmem_oracle::heap::Heap;
use osmem_oracle::model::Model;
use osmem_oracle::params::{HEAP, Params};
use osmem_oracle::readings::{Allowed, Readings};
use osmem_oracle::run::{Call, Run, Step};
use osmem_picture::row::Row;
use osmem_picture::run::{self, Life, Picture, Wrong};
use osmem_trace::model::Call as Traced;

use super::names::{self, Names};
use super::rows;
use crate::oracle::Together;
use crate::rules::Rule;
use crate::{convert, oracle};

/// Calls that are drawn.
pub const MOST_CALLS: usize = 10_000;

/// Blocks and mappings at the same time; a run with more is drawn up to that point.
const MOST_BLOCKS: usize = 20_000;

/// Steps behind the first difference that are looked at for its cause.
const BEHIND: usize = 300;

/// How a run is followed.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// The numbers that the contract counts with.
    pub params: Params,
    /// The readings that are right.
    pub allowed: Allowed,
    /// Calls at the beginning that only make the heap warm: they are drawn and not judged.
    pub warm: usize,
    /// The number of the first call that is drawn.
    pub from: usize,
}

/// A run on its way.
struct Tracker {
    way: Way,
    follower: Follower,
    names: Names,
    /// Calls so far.
    number: usize,
    /// Mappings so far.
    mappings: u32,
    row: Row,
    picture: Picture,
}

/// Returns the picture of a run, with the likely cause of its first difference.
pub fn picture(run: &Run, way: Way) -> Picture {
    let (mut picture, first_wrong) = drawn(run, way);
    picture.cause = first_wrong.and_then(|place| cause(run, place, way));
    picture
}

/// Returns the picture of a run, and the step of its first difference.
pub fn drawn(run: &Run, way: Way) -> (Picture, Option<usize>) {
    let follower = Follower::new(way.params, way.allowed, run.brk);
    let picture = Picture { title: run.name.clone(), header: way.params.header, ..Picture::default() };
    let (names, row) = (Names::default(), Row::default());
    let mut tracker = Tracker { way, follower, names, number: 0, mappings: 0, row, picture };
    let total = run.calls().count();
    let mut first_wrong = None;
    for (place, step) in run.steps.iter().enumerate() {
        match step {
            Step::Program(to) => tracker.follower.program(*to),
            Step::Call(call) if tracker.call(call) => first_wrong = first_wrong.or(Some(place)),
            Step::Call(_) => {}
        }
        if tracker.picture.calls.len() == MOST_CALLS || tracker.follower.heap().count() > MOST_BLOCKS {
            break;
        }
    }
    (tracker.finished(total), first_wrong)
}

/// Returns the likely cause of the first difference, which the step at `place` shows.
fn cause(run: &Run, place: usize, way: Way) -> Option<String> {
    let end = (place + BEHIND).min(run.steps.len());
    let steps = run.steps[..end].to_vec();
    // A run that is cut off ended well as far as it goes.
    let end = if end < run.steps.len() { oracle::status_means(0) } else { run.end.clone() };
    let run = Run { name: run.name.clone(), brk: run.brk, steps, end, by_c_library: run.by_c_library };
    let together = Together::of(&[&run], way.params, way.allowed.is_settled());
    together.explain(&[&run], None).causes.first().map(|cause| cause.sentence.to_owned())
}

impl Tracker {
    /// Draws a call. Returns whether it leaves the contract.
    fn call(&mut self, call: &Call) -> bool {
        let before = self.follower.heap().clone();
        let allowed = self.follower.allowed();
        let divergence = self.follower.call(call);
        self.number += 1;
        let is_warm = self.number <= self.way.warm;
        if is_warm && self.number == self.way.warm {
            self.follower.settle();
        }
        let is_drawn = self.number >= self.way.from;
        let text = self.names.text(call);
        let next = self.names.next();
        let divergence = divergence.filter(|_| !is_warm);
        let held = divergence.as_ref().map(|_| self.names.names());
        let mut subject = self.names.call(call, self.number, self.way.params.header);
        let is_wrong = divergence.is_some();
        if is_drawn || self.number + 1 == self.way.from {
            let row = rows::actual(self.follower.heap(), &self.names.held);
            let change = self.row.change_to(&row);
            if is_drawn {
                let wrong = divergence.map(|divergence| {
                    let heap = demanded(&before, call, &divergence.expected, allowed);
                    let mut names = held.unwrap_or_default();
                    let result = divergence.expected.result.unwrap_or(NULL);
                    if result != NULL {
                        // The name stays with the block that the contract gives, whether or not the program got one.
                        let name = *subject.get_or_insert(next);
                        names.retain(|_, other| *other != name);
                        names.insert(result, name);
                    }
                    let row = rows::expected(&heap, &names, self.mappings + 1);
                    self.wrong(&divergence, self.row.change_to(&row))
                });
                let brk = self.follower.heap().brk.saturating_sub(HEAP);
                let traced = convert::call_of(call);
                let call = run::Call {
                    number: self.number,
                    text,
                    result: names::result(call),
                    system: events(&traced),
                    subject,
                    change,
                    brk,
                    wrong,
                };
                self.picture.calls.push(call);
            } else {
                self.picture.first = row.clone();
            }
            self.row = row;
        }
        self.mappings += convert::mappings(&Step::Call(call.clone()));
        is_wrong
    }

    fn wrong(&self, divergence: &Divergence, change: osmem_picture::row::Change) -> Wrong {
        let rule = format!("R{}", divergence.rule);
        let name = rule.parse().map_or("", |rule: Rule| rule.name());
        let expected = convert::expected_call(&divergence.expected, self.mappings + 1);
        let result = match expected.result {
            osmem_trace::model::Outcome::Returned(Some(place)) => place.to_string(),
            _ => String::new(),
        };
        let sentence = divergence.symptom.sentence().to_owned();
        Wrong { rule: format!("{rule} {name}"), sentence, result, system: events(&expected), change }
    }

    fn finished(self, total: usize) -> Picture {
        let Self { way, names, number, mut picture, .. } = self;
        if number < total || way.from > 1 {
            let first = way.from;
            picture
                .notes
                .push(format!("calls {first} to {number} of {total} are drawn; --from N begins with another one"));
        }
        if number < total && picture.calls.len() < MOST_CALLS {
            picture.notes.push(format!("more than {MOST_BLOCKS} blocks are in use behind them"));
        }
        if names.foreign > 0 {
            picture.notes.push(format!(
                "{} calls gave an address outside the heap and all mappings (FOREIGN), which is not drawn",
                names.foreign
            ));
        }
        if picture.calls.iter().all(|call| call.brk == 0) {
            picture.notes.push("no call moves the break: there is no heap".to_owned());
        }
        let is_drawn = |life: &Life| life.died.is_none_or(|died| died >= way.from);
        picture.lives = names.lives.into_iter().filter(is_drawn).collect();
        picture
    }
}

fn events(call: &Traced) -> Vec<String> {
    call.events.iter().map(ToString::to_string).collect()
}

/// Returns the heap that the contract demands behind a call, by the reading that demands `expected`.
fn demanded(before: &Heap, call: &Call, expected: &Call, allowed: Allowed) -> Heap {
    let readings = [before.readings, allowed.first(), Allowed::core().first(), Readings::CONTRACT];
    let mut last = None;
    for readings in readings {
        let mut model = Model::contract(before.params, before.brk);
        model.heap = before.clone();
        model.read(readings);
        let mut asked = Vec::new();
        let result = model.call(call.request, &mut Seen::new(&call.asked), &mut asked);
        let agrees = Some(result) == expected.result && asked == expected.asked;
        last = Some(model.heap);
        if agrees {
            break;
        }
    }
    last.unwrap_or_else(|| before.clone())
}

#[cfg(test)]
mod tests {
    use osmem_oracle::run::End;
    use osmem_picture::run::Role;
    use osmem_trace::Trace;

    use super::*;

    fn drawn(text: &str, from: usize) -> Picture {
        let trace: Trace = text.parse().unwrap();
        let run = convert::run_of("t", &trace, End::Fine);
        picture(&run, Way { params: Params::CONTRACT, allowed: Allowed::core(), warm: 0, from })
    }

    fn told(row: &Row) -> String {
        row.pieces().map(|piece| piece.label(false)).collect::<Vec<_>>().join(", ")
    }

    const FIRST_FIT: &str = "\
os_malloc(96) = HEAP+0x20
  brk(HEAP+0x20000) = HEAP+0x20000
os_malloc(8) = HEAP+0xa0
os_malloc(8) = HEAP+0xc8
os_malloc(8) = HEAP+0xf0
os_free(HEAP+0x20)
os_free(HEAP+0xc8)
os_malloc(8) = HEAP+0x20
os_free(HEAP+0x20)
exit 0
";

    #[test]
    fn the_expected_row_stands_above_the_actual_one() {
        let picture = drawn(FIRST_FIT, 1);
        assert_eq!(picture.first_wrong(), Some(6));
        let scene = picture.scene(6).unwrap();
        assert_eq!(scene.call.line(), "b5 = os_malloc(8) at HEAP+0x20");
        let rows: Vec<(Role, String)> = scene.rows.iter().map(|(role, row)| (*role, told(row))).collect();
        assert_eq!(rows[0], (Role::Before, "free 96, b2 8, free 8, b4 8, free 130792".to_owned()));
        assert_eq!(rows[1].1.split(", ").nth(2), Some("b5 8"));
        assert_eq!(rows[2].1.split(", ").take(3).collect::<Vec<_>>(), ["b5 8", "free 56", "b2 8"]);
        assert!(picture.cause.as_ref().unwrap().contains("first fit"), "{:?}", picture.cause);
        assert!(picture.calls[7].wrong.is_none() && picture.notes.is_empty(), "{:?}", picture.notes);
    }

    #[test]
    fn a_part_begins_with_the_row_before_it() {
        let (whole, part) = (drawn(FIRST_FIT, 1), drawn(FIRST_FIT, 5));
        assert_eq!(part.calls.len(), 4);
        assert_eq!(part.scene(0).unwrap().rows, whole.scene(4).unwrap().rows);
        assert_eq!(part.notes, ["calls 5 to 8 of 8 are drawn; --from N begins with another one"]);
    }

    #[test]
    fn what_has_no_place_is_told() {
        let picture = drawn("os_malloc(8) = FOREIGN\nos_free(FOREIGN)\nexit 0\n", 1);
        assert_eq!(picture.calls[0].text, "b1 = os_malloc(8)");
        assert!(picture.notes[0].starts_with("1 calls gave an address outside"), "{:?}", picture.notes);
        assert_eq!(picture.notes[1], "no call moves the break: there is no heap");
        assert!(drawn("exit 0\n", 1).calls.is_empty());
    }

    #[test]
    fn a_mapping_that_is_missing_is_drawn_where_it_is_expected() {
        let picture = drawn("os_malloc(200000) = HEAP+0x20\n  brk(HEAP+0x30d60) = HEAP+0x30d60\nexit 0\n", 1);
        let scene = picture.scene(0).unwrap();
        let expected = scene.rows[1].1.named(1).unwrap();
        assert_eq!((expected.start.region, expected.size), (1, 200_000));
        assert_eq!(scene.rows[2].1.named(1).unwrap().start.region, 0);
    }
}
