//! The one record of a run of the battery, from which every report is derived; its JSON form is what programs may rely on.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::oracle::CauseRecord;
use crate::points::Points;
use crate::rules::Rule;
use crate::suite::{Profile, Test};

/// The version of the JSON form; it grows when a field changes its meaning or goes.
pub const VERSION: u32 = 3;

/// Everything that is to be said about one run of the battery.
#[derive(Debug, Serialize)]
pub struct Record {
    /// Of the JSON form.
    pub version: u32,
    /// The library that was checked.
    pub library: PathBuf,
    /// Whether it is our own.
    pub own: bool,
    /// Who watched the programs: `strace 6.1`, `built-in tracer`, or both with ` and ` between them.
    pub tracer: String,
    /// The selected profile, or `all`.
    pub profile: &'static str,
    /// What was refused to each program, as `--inject` has it.
    pub inject: Option<String>,
    /// Whether the run was interrupted; then `tests` holds only those that ended before.
    pub interrupted: bool,
    /// How the library differs from the contract in what it counts with, and how it reads open points.
    pub behaves: Vec<String>,
    /// The mistakes that explain all failures together, the one that explains most first.
    pub causes: Vec<CauseRecord>,
    /// The failed tests that no known mistake explains.
    pub unexplained: Vec<String>,
    /// One entry per test, in the order of the suite.
    pub tests: Vec<TestRecord>,
    /// The entries counted.
    pub summary: Summary,
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The expected trace, the program's own checks and the end proof.
    Pass,
    /// The wrong trace, a failed check of the program, an early end or a forged mark.
    Fail,
    /// Ended by a signal.
    Crash,
    /// Not ended in time.
    Timeout,
    /// Too much output or too many system calls.
    Limit,
    /// It tried what the box that it ran in forbids.
    Forbidden,
    /// The surroundings failed; never the library's fault and never scored.
    InfraError,
}

impl Outcome {
    /// The word for it in every report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Crash => "crash",
            Self::Timeout => "timeout",
            Self::Limit => "limit",
            Self::Forbidden => "forbidden",
            Self::InfraError => "infra-error",
        }
    }

    /// Whether the library failed the test.
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::Pass | Self::InfraError)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One test and what became of it.
#[derive(Debug, Serialize)]
pub struct TestRecord {
    /// Its name in the suite.
    pub name: String,
    /// The program it runs.
    pub program: String,
    /// Its profile.
    pub profile: Profile,
    /// What passing it is worth.
    pub points: Points,
    /// `points` if it passed, otherwise 0.
    pub earned: Points,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it did not pass, in one sentence.
    pub reason: Option<String>,
    /// The rules it proves.
    pub rules: Vec<Rule>,
    /// The header size that was expected, in bytes.
    pub header: u64,
    /// What it was held against.
    pub judged_by: Judge,
    /// Wall-clock time of its runs.
    pub milliseconds: f64,
    /// Those of the library's mistakes that it shows.
    pub causes: Vec<CauseRecord>,
    /// What the program does.
    pub description: String,
    /// Advice for someone whose allocator fails it.
    pub hint: String,
    /// Where the trace first leaves the expected one.
    pub difference: Option<Difference>,
    /// The last lines the program wrote to its standard error.
    pub output: Option<String>,
    /// Differences in the calls that set the scene, which are the subject of other tests.
    pub scenery: Vec<Elsewhere>,
    /// The arguments of the program in the run that is told: none, or the header and the sizes, in bytes.
    pub arguments: Vec<String>,
    /// System calls that neither the library itself nor a plain wrapper of the C library made, and who did; of a failure, and only where the
    /// built-in tracer watched.
    pub origins: Vec<String>,
    /// Where the trace that was seen has been written.
    pub trace_file: Option<PathBuf>,
    /// What came of the refusal, where one was injected.
    pub injected: Option<Injected>,
    /// The report of its calls does not come from the probe, or does not fit its program.
    #[serde(skip)]
    pub feigned: bool,
    /// Whether it passed with other sizes as well; `None` if it was not run with any.
    #[serde(skip)]
    pub varied: Option<bool>,
}

/// What came of a refusal that was injected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Injected {
    /// Where the call was that was refused first, `in os_malloc(100)`; `None`: the program made no such call.
    pub refused: Option<String>,
    /// A bad end of the run that is no fault of the library.
    pub pardoned: Option<Pardon>,
}

/// A bad end of a run that is no fault of the library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pardon {
    /// Whose doing it was.
    pub by: Ender,
    /// In one sentence.
    pub sentence: String,
}

/// Who ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ender {
    /// The program, which did not expect NULL.
    Program,
    /// The library, by a message and a status, which some hand-outs demand (O7).
    Library,
}

/// What a trace was held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Judge {
    /// Its golden trace.
    Fixture,
    /// The contract as a model.
    Oracle,
}

/// A difference that is the subject of other tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Elsewhere {
    /// The rule that is broken.
    pub rule: Rule,
    /// In one sentence, with the call.
    pub sentence: String,
    /// The lines around it, side by side.
    #[serde(skip)]
    pub difference: Option<Difference>,
}

/// The first difference between two traces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The first rule of the test.
    pub rule: Rule,
    /// That rule in one sentence.
    pub sentence: String,
    /// The lines around it, side by side.
    pub context: Vec<Row>,
}

/// One line of two traces side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// ` ` on both sides alike, `-` only expected, `+` only seen, `~` changed.
    pub mark: char,
    /// The line of the golden trace.
    pub expected: Option<String>,
    /// The line that was seen.
    pub actual: Option<String>,
}

/// The tests counted.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// All that ran to an outcome.
    pub tests: usize,
    /// Outcome pass.
    pub passed: usize,
    /// Outcome fail.
    pub failed: usize,
    /// Outcome crash.
    pub crashed: usize,
    /// Outcome timeout.
    pub timed_out: usize,
    /// Outcome limit.
    pub limited: usize,
    /// Outcome forbidden.
    pub forbidden: usize,
    /// Outcome infra-error.
    pub infra_errors: usize,
    /// Tests and points by profile.
    pub profiles: BTreeMap<Profile, Score>,
    /// Tests by rule; a test counts for each of its rules.
    pub rules: BTreeMap<Rule, Tally>,
    /// Wall-clock time of the whole run.
    pub seconds: f64,
}

/// What was earned in one profile.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Points of the tests that passed.
    pub earned: Points,
    /// Points of all its tests.
    pub points: Points,
    /// Tests that passed.
    pub passed: usize,
    /// All its tests.
    pub tests: usize,
}

/// How many tests of a rule passed.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Tests that passed.
    pub passed: usize,
    /// All tests that prove the rule.
    pub tests: usize,
}

impl TestRecord {
    /// A test with its outcome; what only some outcomes have is still to be filled in.
    pub fn new(test: &Test, outcome: Outcome, reason: Option<String>, elapsed: Duration) -> Self {
        Self {
            name: test.name.clone(),
            program: test.program.clone(),
            profile: test.profile,
            points: test.points,
            earned: if outcome == Outcome::Pass { test.points } else { Points::NONE },
            outcome,
            reason,
            rules: test.rules.clone(),
            header: osmem_trace::header::CONTRACT,
            judged_by: Judge::Fixture,
            causes: Vec::new(),
            milliseconds: milliseconds(elapsed),
            description: test.description.clone(),
            hint: test.hint.clone(),
            difference: None,
            output: None,
            scenery: Vec::new(),
            arguments: Vec::new(),
            origins: Vec::new(),
            trace_file: None,
            injected: None,
            feigned: false,
            varied: None,
        }
    }

    /// Notes that it did not pass.
    pub fn fail(&mut self, outcome: Outcome, reason: String) {
        self.outcome = outcome;
        self.earned = Points::NONE;
        self.reason = Some(reason);
    }

    /// Notes that all its runs took so long.
    pub fn lasted(&mut self, elapsed: Duration) {
        self.milliseconds = milliseconds(elapsed);
    }
}

fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 10_000.0).round() / 10.0
}

impl Summary {
    /// Counts `tests`, which took `elapsed` together.
    pub fn of(tests: &[TestRecord], elapsed: Duration) -> Self {
        let mut summary =
            Self { tests: tests.len(), seconds: (elapsed.as_secs_f64() * 1000.0).round() / 1000.0, ..Self::default() };
        for test in tests {
            *match test.outcome {
                Outcome::Pass => &mut summary.passed,
                Outcome::Fail => &mut summary.failed,
                Outcome::Crash => &mut summary.crashed,
                Outcome::Timeout => &mut summary.timed_out,
                Outcome::Limit => &mut summary.limited,
                Outcome::Forbidden => &mut summary.forbidden,
                Outcome::InfraError => &mut summary.infra_errors,
            } += 1;
            let passed = usize::from(test.outcome == Outcome::Pass);
            let score = summary.profiles.entry(test.profile).or_default();
            score.earned += test.earned;
            score.points += test.points;
            score.passed += passed;
            score.tests += 1;
            for rule in &test.rules {
                let tally = summary.rules.entry(*rule).or_default();
                tally.passed += passed;
                tally.tests += 1;
            }
        }
        summary
    }

    /// Tests that the library failed, whatever the way.
    pub fn failures(&self) -> usize {
        self.failed + self.crashed + self.timed_out + self.limited + self.forbidden
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Start;

    fn record(profile: Profile, outcome: Outcome, rules: &[&str]) -> TestRecord {
        let test = Test {
            name: "a".to_owned(),
            program: "a".to_owned(),
            points: Points::whole(3),
            profile,
            rules: rules.iter().map(|rule| rule.parse().unwrap()).collect(),
            description: "d".to_owned(),
            hint: "h".to_owned(),
            refusals: false,
            start: Start::Cold,
            scene: 0,
            subject: None,
        };
        TestRecord::new(&test, outcome, None, Duration::from_micros(9140))
    }

    #[test]
    fn the_summary_counts_outcomes_points_and_rules() {
        let tests = [
            record(Profile::Core, Outcome::Pass, &["R4", "R10"]),
            record(Profile::Core, Outcome::Crash, &["R4"]),
            record(Profile::Robust, Outcome::InfraError, &["R2"]),
        ];
        let summary = Summary::of(&tests, Duration::from_millis(1500));
        assert_eq!((summary.tests, summary.passed, summary.crashed, summary.infra_errors), (3, 1, 1, 1));
        assert_eq!(summary.failures(), 1);
        assert_eq!(
            summary.profiles[&Profile::Core],
            Score { earned: Points::whole(3), points: Points::whole(6), passed: 1, tests: 2 }
        );
        assert_eq!(summary.rules[&"R4".parse().unwrap()], Tally { passed: 1, tests: 2 });
        let json = serde_json::to_value(&summary).unwrap();
        assert_eq!(json["rules"]["R10"]["tests"], 1);
        assert_eq!(json["profiles"]["robust"]["earned"], 0);
        assert_eq!(json["seconds"], 1.5);
        assert_eq!(serde_json::to_value(&tests[0]).unwrap()["milliseconds"], 9.1);
    }
}
