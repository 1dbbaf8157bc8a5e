//! `results.json` for Gradescope's autograder harness.

use serde::Serialize;

use super::case::{Case, cases};
use super::visible::visible;
use super::words::{NOT_GRADED, of_whole, rounded};
use super::{escape, json};
use crate::grade::record::{Outcome, Submission};

/// When a student sees that there is a hidden test.
const HIDDEN: &str = "after_published";

#[derive(Serialize)]
struct Results {
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    output: String,
    output_format: &'static str,
    visibility: &'static str,
    stdout_visibility: &'static str,
    extra_data: Extra,
    tests: Vec<Test>,
}

/// What Gradescope keeps for later submissions and shows to nobody.
#[derive(Serialize)]
struct Extra {
    tool: String,
    digest: String,
    key: String,
    outcome: Outcome,
    tracer: String,
    finished: bool,
}

#[derive(Serialize)]
struct Test {
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_score: Option<f64>,
    status: &'static str,
    name: String,
    number: String,
    output: String,
    output_format: &'static str,
    tags: Vec<String>,
    visibility: &'static str,
}

/// The results of a graded submission. Without a score there is no number in them, so that nothing counts.
pub fn results(submission: &Submission) -> String {
    let seen = visible(submission);
    let score = seen.score.map(|score| rounded(score.earned));
    let said = if score.is_some() { String::new() } else { format!("{NOT_GRADED}\n\n") };
    write(&seen, score, format!("{said}{}", of_whole(&seen)), true)
}

/// Results to be put in place while `submission` is being graded, of whose `total` tests it holds those that have ended: the
/// harness may be cut off at any time, and would else have nothing.
pub fn partial(submission: &Submission, total: usize) -> String {
    let seen = visible(submission);
    let done = seen.tests.len();
    let unfit =
        seen.outcome == Outcome::InfraError || seen.tests.iter().any(|test| test.outcome == Outcome::InfraError);
    let earned = seen.score.map_or_else(|| seen.tests.iter().map(|test| test.earned).sum(), |score| score.earned);
    let score = (!unfit).then(|| rounded(earned));
    let said = if unfit { format!("\n{NOT_GRADED}") } else { String::new() };
    let output = format!("Grading has not finished: {done} of {total} tests so far.{said}\n");
    write(&seen, score, output, false)
}

fn write(seen: &Submission, score: Option<f64>, output: String, finished: bool) -> String {
    let tests = cases(seen).into_iter().enumerate().map(|(at, case)| test(case, at + 1, score.is_some())).collect();
    json::pretty(&Results {
        score,
        output,
        output_format: "text",
        visibility: "visible",
        stdout_visibility: "hidden",
        extra_data: Extra {
            tool: escape::printable(&seen.tool),
            digest: escape::printable(&seen.digest),
            key: escape::printable(&seen.key),
            outcome: seen.outcome,
            tracer: escape::printable(&seen.tracer),
            finished,
        },
        tests,
    })
}

fn test(case: Case, number: usize, scored: bool) -> Test {
    Test {
        score: scored.then_some(case.earned),
        max_score: scored.then_some(case.points),
        status: if case.outcome == Outcome::Pass { "passed" } else { "failed" },
        name: case.name,
        number: number.to_string(),
        output: match case.outcome {
            Outcome::Pass => case.text,
            outcome => format!("{outcome}\n{}", case.text),
        },
        output_format: "text",
        tags: case.rules.iter().map(ToString::to_string).collect(),
        visibility: if case.hidden { HIDDEN } else { "visible" },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::grade::report::fixture::{submission, test};

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_small_record_word_for_word() {
        let mut record = submission("anna", vec![test("a", Outcome::Pass), test("b", Outcome::Crash)]);
        record.tests[1].hidden = true;
        record.behaves.clear();
        let expected = json!({
            "score": 2.0,
            "output": "Result: crash, ended by a signal\nScore: 2 of 4 points\nSearch: clean\nTests: 1 of 2 passed\n\
                Why: 1 of 2 tests did not pass\nBuilt by: cc a.c\nBox: landlock. It could not write.\n\
                Watched by: strace 6.1\n",
            "output_format": "text",
            "visibility": "visible",
            "stdout_visibility": "hidden",
            "extra_data": {
                "tool": "osmem 0.1.0", "digest": "aa", "key": "bb", "outcome": "crash", "tracer": "strace 6.1",
                "finished": true,
            },
            "tests": [
                {
                    "score": 2.0, "max_score": 2.0, "status": "passed", "name": "a", "number": "1",
                    "output": "Splits the first block\n", "output_format": "text", "tags": ["R6"], "visibility": "visible",
                },
                {
                    "score": 0.0, "max_score": 2.0, "status": "failed", "name": "hidden test 1", "number": "2",
                    "output": "crash\nWhat this test does is not shown.", "output_format": "text", "tags": [],
                    "visibility": "after_published",
                },
            ],
        });
        assert_eq!(parsed(&results(&record)), expected);
    }

    #[test]
    fn without_a_score_there_is_no_number_that_could_count() {
        let record = submission("anna", vec![test("a", Outcome::InfraError), test("b", Outcome::Pass)]);
        for text in [results(&record), partial(&record, 9)] {
            let results = parsed(&text);
            assert_eq!(results.get("score"), None);
            assert!(results["output"].as_str().unwrap().contains("Submit it again."), "{text}");
            assert!(results["tests"].as_array().unwrap().iter().all(|test| test.get("score").is_none()), "{text}");
        }
    }

    #[test]
    fn an_unfinished_grading_says_so_and_counts_what_it_has() {
        let record = Submission { score: None, ..submission("anna", vec![test("a", Outcome::Pass)]) };
        let results = parsed(&partial(&record, 12));
        assert_eq!(results["output"], "Grading has not finished: 1 of 12 tests so far.\n");
        assert_eq!((&results["score"], &results["extra_data"]["finished"]), (&json!(2.0), &json!(false)));
        assert_eq!(results["tests"].as_array().unwrap().len(), 1);
        let nothing = Submission { score: None, ..submission("anna", Vec::new()) };
        assert_eq!(parsed(&partial(&nothing, 12))["score"], 0.0);
    }
}
