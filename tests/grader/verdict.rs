//! What the battery says of a library, and where that is not what it must say.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::support;
use crate::variant::{Kind, Outcome, Variant};

/// Seconds for one program: few, since some variants are stuck, and yet enough for the others on a busy machine.
const TIMEOUT: &str = "3";

/// Of the record that `osmem check --format json` prints, what matters here.
#[derive(Deserialize)]
pub struct Verdict {
    tests: Vec<Test>,
    /// What explains the failures, the likeliest first.
    pub causes: Vec<Cause>,
}

/// A cause that was named.
#[derive(Deserialize)]
pub struct Cause {
    pub id: String,
    explained: usize,
    runs: usize,
    /// It may stand in the place of the one before.
    pub equal: bool,
}

/// What a trace is held against, as `--against` spells it.
pub const FIXTURES: &str = "fixtures";
pub const ORACLE: &str = "oracle";

#[derive(Deserialize)]
struct Test {
    name: String,
    profile: String,
    points: f64,
    earned: f64,
    outcome: Outcome,
    reason: Option<String>,
}

/// Runs the battery on `library`, and holds its traces against what is said.
pub fn reach(variant: &Variant, library: &Path, against: &str) -> Result<Verdict, String> {
    let mut command = Command::new(&support::built().osmem);
    command.args(["check", "--profile", variant.profile(), "--against", against, "--timeout", TIMEOUT]);
    command.arg("--fixtures").arg(support::built().root.join("fixtures"));
    command.arg("--traces").arg(library.with_file_name(format!("traces-{against}")));
    // The fixtures are held against what the default tracer sees: strace, where it is installed.
    if against == ORACLE {
        command.args(["--tracer", "builtin"]);
    }
    command.args(&variant.only);
    record(command, library).map(|(verdict, _)| verdict)
}

/// Runs a command on `library`; the record that it prints, and whether it found nothing wrong.
pub fn record<T: DeserializeOwned>(mut command: Command, library: &Path) -> Result<(T, bool), String> {
    command.args(["--format", "json", "--lib"]).arg(library).stdin(Stdio::null());
    let run = command.output().map_err(|error| format!("osmem does not start: {error}"))?;
    let record = serde_json::from_slice(&run.stdout)
        .map_err(|error| format!("no record ({}, {error}): {}", run.status, String::from_utf8_lossy(&run.stderr)))?;
    Ok((record, run.status.success()))
}

impl Verdict {
    /// Where it is not what the entry demands.
    pub fn problems(&self, variant: &Variant) -> Vec<String> {
        let mut problems = Vec::new();
        for test in self.tests.iter().filter(|test| !test.is_acceptable(variant)) {
            let reason = test.reason.as_deref().unwrap_or("no reason given");
            problems.push(format!("{} must not end in {:?}: {reason}", test.name, test.outcome));
        }
        for (name, demanded) in variant.demands() {
            match self.tests.iter().find(|test| test.name == name) {
                Some(test) if test.outcome == demanded => {}
                Some(test) => problems.push(format!("{name} must end in {demanded:?}, not in {:?}", test.outcome)),
                None => problems.push(format!("{name} was not run: misspelt, or of another profile?")),
            }
        }
        if variant.kind == Kind::Wrong && !self.failed().any(|test| test.profile != "strict") {
            problems.push("no core or robust test fails: the battery has a hole".to_owned());
        }
        problems
    }

    /// Returns the points of core tests that were lost.
    pub fn lost(&self) -> f64 {
        self.tests.iter().filter(|test| test.profile == "core").map(|test| test.points - test.earned).sum()
    }

    /// Returns whether every test passed.
    pub fn is_clean(&self) -> bool {
        !self.tests.is_empty() && self.tests.iter().all(|test| test.outcome == Outcome::Pass)
    }

    fn failed(&self) -> impl Iterator<Item = &Test> {
        self.tests.iter().filter(|test| !matches!(test.outcome, Outcome::Pass | Outcome::InfraError))
    }
}

impl Test {
    /// Whether the outcome may stand, whatever else the entry demands.
    fn is_acceptable(&self, variant: &Variant) -> bool {
        match (variant.kind, self.outcome) {
            (_, Outcome::InfraError) => false,
            (Kind::Wrong, _) | (_, Outcome::Pass) => true,
            (Kind::Right, _) => false,
            (Kind::Different, _) => self.profile != "core",
        }
    }
}

/// A line of the table: how many tests ran, how many failed, the first of those.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.failed().take(3).map(|test| test.name.as_str()).collect();
        write!(f, "{:>5} {:>6}  {}", self.tests.len(), self.failed().count(), names.join(", "))
    }
}

/// A cause with the share of the runs that it explains.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.id, self.explained, self.runs)
    }
}
