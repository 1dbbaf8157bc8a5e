//! The results of one runner, as GitHub Classroom's autograding reporter reads them. It prints them into a log of GitHub Actions.

use serde::Serialize;

use super::case::{Case, cases};
use super::escape::printable;
use super::json;
use super::visible::visible;
use super::words::{NOT_GRADED, points, rounded};
use crate::grade::record::{Outcome, Submission};

#[derive(Serialize)]
struct Results {
    version: u32,
    status: &'static str,
    max_score: f64,
    /// The reporter passes it over.
    tracer: String,
    tests: Vec<Test>,
}

#[derive(Serialize)]
struct Test {
    name: String,
    status: &'static str,
    score: f64,
    message: String,
    line_no: u32,
    execution_time: &'static str,
    test_code: &'static str,
    filename: &'static str,
}

fn status(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::InfraError => "error",
        _ => "fail",
    }
}

/// The results of a graded submission. The reporter adds up the tests' scores: what else changed the sum has a line of its own.
pub fn results(submission: &Submission) -> String {
    let seen = visible(submission);
    let mut tests: Vec<Test> = cases(&seen).into_iter().map(|case| test(case, seen.score.is_some())).collect();
    if let Some(score) = seen.score {
        let sum: f64 = tests.iter().map(|test| test.score).sum();
        let rest = rounded(score.earned - sum);
        if rest != 0.0 {
            let late = format!("{} points taken off for being late", points(score.penalty));
            let message =
                if rounded(score.penalty) > 0.0 { late } else { "counted for the submission as a whole".to_owned() };
            let status = if rest < 0.0 { "fail" } else { "pass" };
            tests.push(Test { status, score: rest, message, ..blank("submission as a whole".to_owned()) });
        }
    } else if tests.iter().all(|test| test.status != "error") {
        tests.push(Test { message: NOT_GRADED.to_owned(), ..blank("grading".to_owned()) });
    }
    json::pretty(&Results {
        version: 1,
        status: if seen.score.is_none() { "error" } else { status(seen.outcome) },
        max_score: seen.score.map_or(0.0, |score| rounded(score.points)),
        tracer: printable(&seen.tracer),
        tests,
    })
}

fn blank(name: String) -> Test {
    Test {
        name,
        status: "error",
        score: 0.0,
        message: String::new(),
        line_no: 0,
        execution_time: "0s",
        test_code: "",
        filename: "",
    }
}

fn test(case: Case, scored: bool) -> Test {
    let message = match case.outcome {
        Outcome::Pass => String::new(),
        outcome => format!("{outcome}: {}\n{}", case.reason.unwrap_or_default(), case.text),
    };
    Test { status: status(case.outcome), score: if scored { case.earned } else { 0.0 }, message, ..blank(case.name) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::grade::report::fixture::{HOSTILE, filled, submission, test};

    fn parsed(record: &Submission) -> Value {
        serde_json::from_str(&results(record)).unwrap()
    }

    #[test]
    fn a_small_record_word_for_word() {
        let mut record = submission("anna", vec![test("a", Outcome::Pass), test("b", Outcome::Timeout)]);
        record.tests[1].hidden = true;
        let one = |name, status, score, message| {
            json!({
                "name": name, "status": status, "score": score, "message": message,
                "line_no": 0, "execution_time": "0s", "test_code": "", "filename": "",
            })
        };
        let (a, b) = (
            one("a", "pass", 2.0, ""),
            one("hidden test 1", "fail", 0.0, "timeout: did not end in time\nWhat this test does is not shown."),
        );
        assert_eq!(
            parsed(&record),
            json!({ "version": 1, "status": "fail", "max_score": 4.0, "tracer": "strace 6.1", "tests": [a, b] })
        );
        if let Some(score) = &mut record.score {
            (score.earned, score.penalty) = (1.5, 0.5);
        }
        let late = one("submission as a whole", "fail", -0.5, "0.5 points taken off for being late");
        assert_eq!(parsed(&record)["tests"], json!([a, b, late]));
    }

    #[test]
    fn without_a_score_it_is_an_error() {
        let results = parsed(&submission("anna", vec![test("a", Outcome::InfraError), test("b", Outcome::Pass)]));
        assert_eq!((&results["status"], &results["max_score"]), (&json!("error"), &json!(0.0)));
        assert!(results["tests"][0]["message"].as_str().unwrap().contains("Submit it again."));
        assert!(results["tests"].as_array().unwrap().iter().all(|test| test["score"] == 0.0));
    }

    #[test]
    fn no_message_is_a_command_of_the_log() {
        let results = parsed(&filled(HOSTILE));
        for test in results["tests"].as_array().unwrap() {
            for text in [&test["name"], &test["message"]] {
                let text = text.as_str().unwrap();
                assert!(
                    !text.contains("##") && !text.lines().any(|line| line.trim_start().starts_with("::")),
                    "{text}"
                );
                assert!(!text.contains('\x1b'), "{text}");
            }
        }
    }
}
