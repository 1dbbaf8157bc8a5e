//! What the battery says of a library, and where that is not what it must say.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::support;
use crate::variant::{Kind, Outcome, Variant};

/// Seconds for one program: few, since some variants are stuck, and yet enough for the others on a busy machine.
const TIMEOUT: &str = "3";

/// Of the record that `osmem check --format json` prints, what matters here.
#[derive(Deserialize)]
pub struct Verdict {
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Test {
    name: String,
    profile: String,
    outcome: Outcome,
    reason: Option<String>,
}

/// Runs the battery on `library`.
pub fn reach(variant: &Variant, library: &Path) -> Result<Verdict, String> {
    let built = support::built();
    let mut command = Command::new(&built.osmem);
    command.args(["check", "--profile", variant.profile(), "--format", "json", "--timeout", TIMEOUT]);
    command.arg("--fixtures").arg(built.root.join("fixtures")).arg("--lib").arg(library);
    command.arg("--traces").arg(library.with_file_name("traces")).args(&variant.only).stdin(Stdio::null());
    let run = command.output().map_err(|error| format!("osmem does not start: {error}"))?;
    serde_json::from_slice(&run.stdout)
        .map_err(|error| format!("no record ({}, {error}): {}", run.status, String::from_utf8_lossy(&run.stderr)))
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
        let (core, passed) = (self.core(), self.core().filter(|test| test.outcome == Outcome::Pass).count());
        match variant.kind {
            Kind::Wrong if !self.failed().any(|test| test.profile != "strict") => {
                problems.push("no core or robust test fails: the battery has a hole".to_owned());
            }
            Kind::Different if passed * 2 < core.count() => {
                problems.push(format!("only {passed} core tests are judged at all"));
            }
            _ => {}
        }
        problems
    }

    fn core(&self) -> impl Iterator<Item = &Test> {
        self.tests.iter().filter(|test| test.profile == "core")
    }

    fn failed(&self) -> impl Iterator<Item = &Test> {
        self.tests
            .iter()
            .filter(|test| !matches!(test.outcome, Outcome::Pass | Outcome::Unjudged | Outcome::InfraError))
    }
}

impl Test {
    /// Whether the outcome may stand, whatever else the entry demands.
    fn is_acceptable(&self, variant: &Variant) -> bool {
        match (variant.kind, self.outcome) {
            (_, Outcome::InfraError) => false,
            (Kind::Wrong, _) | (_, Outcome::Pass) => true,
            (Kind::Right, _) => false,
            // With another header size some expected traces are not known exactly.
            (Kind::Different, Outcome::Unjudged) => variant.points.iter().any(|point| point == "O9"),
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
