//! The themes of the tests that were run, and the mistakes behind their failures, each once with an example.

use std::borrow::Borrow;

use osmem_oracle::run::Run;
use osmem_picture::run::Picture;

use crate::oracle::CauseRecord;
use crate::record::{Outcome, Record, TestRecord};
use crate::rules::Rule;
use crate::show;
use crate::suite::{Profile, Test};

/// The rules in the order in which an allocator is built up.
const ORDER: [&str; 17] =
    ["R1", "R4", "R6", "R8", "R5", "R7", "R3", "R9", "R17", "R10", "R11", "R12", "R13", "R2", "R14", "R15", "R16"];

/// The steps that an example has at most, if there is such a one.
const SHORT: usize = 40;

/// The tests of one theme.
pub struct Theme<'a> {
    /// The rule that they prove first; `None`: what any allocator must do.
    pub rule: Option<Rule>,
    /// In the order of the suite.
    pub tests: Vec<&'a TestRecord>,
}

impl Theme<'_> {
    /// Returns the word for it.
    pub fn name(&self) -> &'static str {
        self.rule.map_or("basic", |rule| rule.name())
    }

    /// Returns whether all its tests pass.
    pub fn passes(&self) -> bool {
        self.tests.iter().all(|test| test.outcome == Outcome::Pass)
    }
}

/// Returns the themes of the tests that were run, in the order in which an allocator is built up.
pub fn themes(record: &Record) -> Vec<Theme<'_>> {
    let rule_of = |test: &TestRecord| test.rules.first().copied().filter(|_| test.profile != Profile::Basic);
    let ordered = ORDER.iter().map(|text| text.parse().ok());
    let themes = [None]
        .into_iter()
        .chain(ordered)
        .map(|rule| Theme { rule, tests: record.tests.iter().filter(|test| rule_of(test) == rule).collect() });
    themes.filter(|theme| !theme.tests.is_empty()).collect()
}

/// A mistake with the tests that show it.
pub struct Mistake<'a> {
    /// The likely cause; `None` where nothing in the list explains it.
    pub cause: Option<&'a CauseRecord>,
    /// Causes that explain as much in its place.
    pub alternatives: Vec<&'a CauseRecord>,
    /// The tests that fail by it.
    pub tests: Vec<&'a TestRecord>,
    /// The test that shows it best.
    pub example: &'a TestRecord,
}

/// Returns the mistakes behind these failures, the one that explains most first.
pub fn mistakes<'a, R: Borrow<Run>>(
    all: &'a [CauseRecord],
    failures: &[&'a TestRecord],
    runs: &[R],
) -> Vec<Mistake<'a>> {
    let mut found: Vec<(Option<&CauseRecord>, Vec<&TestRecord>)> = Vec::new();
    for test in failures {
        let shows = |cause: &&CauseRecord| !cause.equal && test.causes.iter().any(|other| other.id == cause.id);
        let mut causes: Vec<Option<&CauseRecord>> = all.iter().filter(shows).map(Some).collect();
        if causes.is_empty() {
            causes.push(test.causes.first());
        }
        for cause in causes {
            // Differences without a known cause may have one in common: they are told once, by the one to begin with.
            let same = |(other, _): &&mut (Option<&CauseRecord>, Vec<&TestRecord>)| {
                cause.map(|cause| cause.id) == other.map(|other| other.id)
            };
            match found.iter_mut().find(same) {
                Some((_, tests)) => tests.push(test),
                None => found.push((cause, vec![test])),
            }
        }
    }
    let steps = |test: &TestRecord| run_of(runs, test).map_or(usize::MAX, |run| run.steps.len());
    let mut mistakes: Vec<Mistake<'_>> = found
        .into_iter()
        .filter_map(|(cause, tests)| {
            // A short one that shows no other mistake and is about the broken rule, and the shortest of those. Where no cause is known,
            // the rule that comes first where an allocator is built up.
            let rule = cause.and_then(|cause| cause.rules.first());
            let step = |test: &TestRecord| if rule.is_some() { 0 } else { place(broken(test)) };
            let is_beside = |test: &TestRecord| rule.is_some_and(|rule| test.rules.first() != Some(rule));
            let is_mixed = |test: &TestRecord| test.causes.iter().filter(|cause| !cause.equal).count() > 1;
            let is_long = |test: &TestRecord| steps(test) > SHORT;
            let rank = |test: &&&TestRecord| {
                (
                    test.profile == Profile::Basic,
                    is_long(test),
                    step(test),
                    is_mixed(test),
                    is_beside(test),
                    steps(test),
                )
            };
            let example = tests.iter().min_by_key(rank).copied()?;
            let place = all.iter().position(|other| cause.is_some_and(|cause| cause.id == other.id));
            let behind = all.iter().skip(place.map_or(usize::MAX, |place| place + 1));
            let alternatives = behind.take_while(|other| other.equal).collect();
            Some(Mistake { cause, alternatives, tests, example })
        })
        .collect();
    let rank = |mistake: &Mistake<'_>| {
        let place = mistake.cause.and_then(|cause| all.iter().position(|other| other.id == cause.id));
        (place.unwrap_or(usize::MAX), usize::MAX - mistake.tests.len())
    };
    mistakes.sort_by_key(rank);
    mistakes
}

/// Names of tests that are told of one mistake.
const MOST_NAMES: usize = 4;

/// Returns the first names in a line, and how many more there are.
pub fn names<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = names.len().saturating_sub(MOST_NAMES);
    let shown = names.take(MOST_NAMES).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

impl Mistake<'_> {
    /// Returns the rule that it breaks.
    pub fn rule(&self) -> Option<Rule> {
        self.cause.map_or_else(|| broken(self.example), |cause| cause.rules.first().copied())
    }

    /// Returns advice: of the example where it is about the broken rule and no cause is known, otherwise the place to look at.
    pub fn hint(&self) -> String {
        match self.rule() {
            Some(rule) if self.cause.is_some() || self.example.rules.first() != Some(&rule) => {
                format!("look at {}", rule.place())
            }
            _ => self.example.hint.clone(),
        }
    }
}

/// Returns the rule that a failed test breaks: as it was seen, or else the first that it proves.
fn broken(test: &TestRecord) -> Option<Rule> {
    test.difference.as_ref().map(|difference| difference.rule).or(test.rules.first().copied())
}

/// Returns the place of a rule in the order in which an allocator is built up.
fn place(rule: Option<Rule>) -> usize {
    let place = |rule: Rule| ORDER.iter().position(|text| text.parse() == Ok(rule));
    rule.and_then(place).unwrap_or(usize::MAX)
}

/// Returns the mistake to work on next: the one whose rule comes first where an allocator is built up.
pub fn next<'m, 'a>(mistakes: &'m [Mistake<'a>]) -> Option<&'m Mistake<'a>> {
    mistakes.iter().min_by_key(|mistake| place(mistake.rule()))
}

fn run_of<'r, R: Borrow<Run>>(runs: &'r [R], test: &TestRecord) -> Option<&'r Run> {
    runs.iter().map(Borrow::borrow).find(|run| run.name == test.name)
}

/// Returns the picture of a failed test and the place of the call in question; `None` where its run cannot be drawn.
pub fn drawn<R: Borrow<Run>>(failed: &TestRecord, tests: &[&Test], runs: &[R], own: bool) -> Option<(Picture, usize)> {
    let test = tests.iter().find(|test| test.name == failed.name)?;
    let run = run_of(runs, failed)?;
    show::of_test(test, run, failed.header, super::readings(test, own))
}
