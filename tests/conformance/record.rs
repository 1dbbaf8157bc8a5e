//! The JSON record of `osmem check`.

use std::process::Command;

use serde_json::Value;

/// What a run of the battery found.
#[derive(Debug, PartialEq)]
pub struct Record(Value);

/// Runs `check` (a command that ends in `osmem check` and its options) and reads its record; every test must have passed.
pub fn whole_pass(check: &mut Command) -> Record {
    let output = check.args(["--format", "json"]).output().expect("the command starts");
    let said = String::from_utf8_lossy(&output.stderr);
    let record: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    let failed: Vec<String> = tests(&record)
        .filter(|test| test["outcome"] != "pass")
        .map(|test| format!("{}: {}, {}", test["name"], test["outcome"], test["reason"]))
        .collect();
    assert!(failed.is_empty(), "{check:?}:\n{}", failed.join("\n"));
    assert!(output.status.success(), "{check:?}: {}, {said}", output.status);
    Record(record)
}

fn tests(record: &Value) -> impl Iterator<Item = &Value> {
    record["tests"].as_array().expect("a list of tests").iter()
}

impl Record {
    /// The library that was checked.
    pub fn library(&self) -> &str {
        self.0["library"].as_str().expect("a path")
    }

    /// How many tests were run.
    pub fn tests(&self) -> usize {
        tests(&self.0).count()
    }

    /// Points earned and to be earned in the profile `core`.
    pub fn core(&self) -> (u64, u64) {
        let core = &self.0["summary"]["profiles"]["core"];
        (core["earned"].as_u64().expect("points"), core["points"].as_u64().expect("points"))
    }

    /// The record without what may differ from run to run: times, and where the library lies.
    pub fn steady(mut self) -> Self {
        self.0["library"].take();
        self.0["summary"]["seconds"].take();
        for test in self.0["tests"].as_array_mut().expect("a list of tests") {
            test["milliseconds"].take();
        }
        self
    }
}
