//! The common test report format (CTRF). All times in it are 0, as the record holds none.

use serde::Serialize;

use super::case::{Case, cases};
use super::visible::visible;
use super::{escape, json};
use crate::grade::record::{Outcome, Submission};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    report_format: &'static str,
    spec_version: &'static str,
    results: Results,
}

#[derive(Serialize)]
struct Results {
    tool: Tool,
    summary: Summary,
    tests: Vec<Test>,
    extra: Extra,
}

#[derive(Serialize)]
struct Extra {
    /// Who watched, each once.
    tracers: Vec<String>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Default, Serialize)]
struct Summary {
    tests: usize,
    passed: usize,
    failed: usize,
    pending: usize,
    skipped: usize,
    other: usize,
    start: u64,
    stop: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    name: String,
    status: &'static str,
    duration: u64,
    suite: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
    raw_status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
}

/// The tests of all submissions as their authors may see them, by name; the suite of a test is its submission.
pub fn report(all: &[Submission]) -> String {
    let tests: Vec<Test> = super::sorted(all).into_iter().flat_map(tests).collect();
    let count = |status| tests.iter().filter(|test| test.status == status).count();
    let summary = Summary {
        tests: tests.len(),
        passed: count("passed"),
        failed: count("failed"),
        other: count("other"),
        ..Summary::default()
    };
    let named = all.iter().filter(|submission| !submission.tracer.is_empty());
    let mut tracers: Vec<String> = named.map(|submission| escape::log(&submission.tracer)).collect();
    tracers.sort();
    tracers.dedup();
    let tool = Tool { name: "osmem", version: env!("CARGO_PKG_VERSION") };
    json::pretty(&Report {
        report_format: "CTRF",
        spec_version: "1.0.0",
        results: Results { tool, summary, tests, extra: Extra { tracers } },
    })
}

fn tests(submission: &Submission) -> Vec<Test> {
    let seen = visible(submission);
    let suite = escape::log(&seen.name);
    cases(&seen).into_iter().map(|case| test(case, &suite)).collect()
}

fn test(case: Case, suite: &str) -> Test {
    let status = match case.outcome {
        Outcome::Pass => "passed",
        Outcome::InfraError => "other",
        _ => "failed",
    };
    Test {
        name: case.name,
        status,
        duration: 0,
        suite: vec![suite.to_owned()],
        message: case.reason,
        trace: (case.outcome != Outcome::Pass).then_some(case.text),
        raw_status: case.outcome.name(),
        tags: case.rules.iter().map(ToString::to_string).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::grade::report::fixture::{submission, test};

    #[test]
    fn a_small_class_word_for_word() {
        let mut first = submission("anna", vec![test("a", Outcome::Pass), test("b", Outcome::Limit)]);
        first.tests[1].hidden = true;
        let second = submission("ben", vec![test("a", Outcome::InfraError)]);
        let report: Value = serde_json::from_str(&report(&[second, first])).unwrap();
        let results = &report["results"];
        assert_eq!((&report["reportFormat"], &report["specVersion"]), (&json!("CTRF"), &json!("1.0.0")));
        assert_eq!(results["tool"]["name"], "osmem");
        assert_eq!(results["extra"], json!({ "tracers": ["strace 6.1"] }));
        assert_eq!(
            results["summary"],
            json!({
                "tests": 4, "passed": 1, "failed": 1, "pending": 0, "skipped": 0, "other": 2, "start": 0, "stop": 0,
            })
        );
        assert_eq!(
            results["tests"][0],
            json!({
                "name": "a", "status": "passed", "duration": 0, "suite": ["anna"], "rawStatus": "pass", "tags": ["R6"],
            })
        );
        assert_eq!(
            results["tests"][1],
            json!({
                "name": "hidden test 1", "status": "failed", "duration": 0, "suite": ["anna"],
                "message": "went over a limit", "trace": "What this test does is not shown.", "rawStatus": "limit",
            })
        );
        assert_eq!(
            (&results["tests"][2]["name"], &results["tests"][2]["status"]),
            (&json!("grading"), &json!("other"))
        );
    }
}
