//! The one record of a graded submission, from which every report is derived; its JSON form is what programs may rely on.
//!
//! Nothing in it depends on when or how fast something ran: the same submission, course and version give the same bytes.

mod mistake;

use serde::{Deserialize, Serialize};

use crate::record::Difference;
use crate::rules::Rule;
use crate::suite::Profile;
#[cfg(test)]
pub use mistake::{Block, Expected, Use};
pub use mistake::{Drawn, Mistake};

/// The version of the JSON form; it grows when a field changes its meaning or goes.
pub const VERSION: u32 = 2;

/// Everything that is to be said about one submission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// Of the JSON form.
    pub version: u32,
    /// The name and version of this program.
    pub tool: String,
    /// The name of the course; empty without a course file.
    pub course: String,
    /// The submission's name, unique in its class: printable, no slash.
    pub name: String,
    /// SHA-256 of what was submitted, in hexadecimal; empty if it could not be read.
    pub digest: String,
    /// What the result depends on (submission, course, version of this program), as one SHA-256 in hexadecimal.
    pub key: String,
    /// How it ended as a whole: `pass`, or the gravest that happened.
    pub outcome: Outcome,
    /// Why it is no pass, in one sentence.
    pub reason: Option<String>,
    /// What it is worth; none after an infra-error, which is never scored.
    pub score: Option<Score>,
    /// The box that it ran in.
    pub containment: Containment,
    /// Who watched it: `strace 6.1`, `built-in tracer`, or both with ` and ` between them; empty in a record from before there were two.
    #[serde(default)]
    pub tracer: String,
    /// How it was built; none if it never came to that.
    pub build: Option<Build>,
    /// What the search by random programs found, whatever it is worth.
    #[serde(default)]
    pub search: Search,
    /// How the library differs from the contract in what it counts with, and how it reads open points: a sentence each.
    pub behaves: Vec<String>,
    /// The mistakes that explain all failures together, the one that explains most first.
    pub causes: Vec<Cause>,
    /// The mistakes with the tests that show them, each with the heap where one test shows it best.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mistakes: Vec<Mistake>,
    /// The failed tests that no known mistake explains.
    #[serde(default)]
    pub unexplained: Vec<String>,
    /// Every test in its order: the battery, the random programs, the style steps.
    pub tests: Vec<Test>,
    /// The shortest program that shows a mistake.
    pub counterexample: Option<Counterexample>,
    /// One program for each mistake that it does not show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<Counterexample>,
    /// Reason for an instructor to read its source: it does what no honest submission does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspicious: Option<String>,
    /// What the instructor should know about this submission: files left out, files replaced by an overlay, and the like.
    pub notes: Vec<String>,
}

/// How a submission or a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As it must be, with the end proof.
    Pass,
    /// A rule is broken, contents are lost, the end is not proven, a mark is forged.
    Wrong,
    /// Ended by a signal.
    Crash,
    /// Not ended in time.
    Timeout,
    /// Over a limit: memory, output, trace, processor time, disk.
    Limit,
    /// Tried what the box forbids, or the library defines what it must not.
    Forbidden,
    /// It does not build.
    NoBuild,
    /// Nothing that this grader knows how to build or may use.
    Unsupported,
    /// The surroundings failed: never the submission's fault, never scored.
    InfraError,
}

/// What the search by random programs came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Search {
    /// No program failed.
    Clean,
    /// A program fails: the counterexample shows it.
    BugFound,
    /// There was no search, or it came to no end.
    #[default]
    NotRun,
}

impl std::fmt::Display for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Clean => "clean",
            Self::BugFound => "bug found",
            Self::NotRun => "not run",
        })
    }
}

/// Points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// What counts, the penalty taken off.
    pub earned: f64,
    /// What can be had.
    pub points: f64,
    /// What was taken off for being late.
    pub penalty: f64,
}

/// The box that a submission was built and run in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Containment {
    /// `namespaces`, `landlock` or `none`.
    pub tier: String,
    /// What that means, in one sentence.
    pub sentence: String,
}

/// How a submission was built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// `c`, `makefile`, `cargo`, `prebuilt` or `course` (the course's own command).
    pub kind: String,
    /// What was run, as a shell would have it.
    pub command: String,
    /// What the compiler said, printable, cut to what a reader can use.
    pub log: String,
    /// Lines that were left out of `log`.
    pub cut: usize,
}

/// A likely cause, out of the closed list of docs/causes.md.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// Its name.
    pub id: String,
    /// What is wrong and what is right.
    pub sentence: String,
    /// The rules it touches.
    pub rules: Vec<Rule>,
    /// Failing runs that show it.
    pub explained: usize,
    /// All failing runs.
    pub runs: usize,
    /// It explains as much as the one before it, in its place; otherwise it is a mistake of its own.
    pub equal: bool,
}

/// What a test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A program of the battery.
    Battery,
    /// Random programs from the course's seed.
    Random,
    /// A style step of the course.
    Style,
    /// A measurement beside our own library.
    Performance,
}

/// How much a student is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Details {
    /// Everything.
    #[default]
    Full,
    /// The outcome, the rules and the likely cause.
    Cause,
    /// Name, outcome and points.
    Outcome,
}

impl Details {
    /// Every level, the one that tells most first.
    pub const ALL: [Self; 3] = [Self::Full, Self::Cause, Self::Outcome];

    /// The word for it in the course file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Cause => "cause",
            Self::Outcome => "outcome",
        }
    }

    /// Returns whether everything is told.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    pub fn is_full(&self) -> bool {
        *self == Self::Full
    }
}

/// One test and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The student's report must not show its content: name and outcome alone.
    pub hidden: bool,
    /// How much of it the student's report tells, if it is not hidden.
    #[serde(default, skip_serializing_if = "Details::is_full")]
    pub details: Details,
    /// Its profile; none outside the battery.
    pub profile: Option<Profile>,
    /// What passing it is worth.
    pub points: f64,
    /// What was earned.
    pub earned: f64,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it did not pass, in one sentence.
    pub reason: Option<String>,
    /// The rules it proves.
    pub rules: Vec<Rule>,
    /// What happens in it, in one line.
    pub description: String,
    /// Advice for someone whose allocator fails it; empty where there is none.
    pub hint: String,
    /// Where the trace first leaves the expected one.
    pub difference: Option<Difference>,
    /// Those of the mistakes that it shows.
    pub causes: Vec<Cause>,
    /// The last lines the program wrote to its standard error, printable.
    pub output: Option<String>,
}

/// The shortest program that shows a mistake.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counterexample {
    /// What is wrong, in one sentence.
    pub sentence: String,
    /// How many calls it has.
    pub calls: usize,
    /// As a script, a step a line.
    pub script: String,
    /// As a C program.
    pub c: String,
    /// The lines around the first call that leaves the contract.
    pub difference: Option<Difference>,
    /// What explains it.
    pub causes: Vec<Cause>,
}

impl Submission {
    /// Returns the counterexamples, each with its title.
    pub fn counterexamples(&self) -> impl Iterator<Item = (&'static str, &Counterexample)> {
        let first = self.counterexample.iter().map(|example| ("The shortest program that shows a mistake", example));
        first.chain(self.further.iter().map(|example| ("A program that shows another mistake", example)))
    }
}

impl Outcome {
    /// Every outcome, the best first.
    pub const ALL: [Self; 9] = [
        Self::Pass,
        Self::Wrong,
        Self::Crash,
        Self::Timeout,
        Self::Limit,
        Self::Forbidden,
        Self::NoBuild,
        Self::Unsupported,
        Self::InfraError,
    ];

    /// The word for it in every report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Wrong => "wrong",
            Self::Crash => "crash",
            Self::Timeout => "timeout",
            Self::Limit => "limit",
            Self::Forbidden => "forbidden",
            Self::NoBuild => "no-build",
            Self::Unsupported => "unsupported",
            Self::InfraError => "infra-error",
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
