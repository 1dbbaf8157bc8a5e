//! The lines that Autolab reads at the end of an autograder's output: feedback by stage, and last the scores.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::case::{Case, cases};
use super::escape::log;
use super::json;
use super::visible::visible;
use super::words::{NOT_GRADED, rounded};
use crate::grade::record::{Outcome, Submission};

/// The name of the problem that the assessment must have.
pub const PROBLEM: &str = "osmem";

/// The stages of the feedback: building and the box, then the tests.
const STAGES: [&str; 2] = ["Submission", "Tests"];

#[derive(Serialize)]
struct Scores {
    scores: Map<String, Value>,
}

/// Two lines: the feedback, then the scores. Without a score the last line names none, so that none is entered.
pub fn lines(submission: &Submission) -> String {
    let seen = visible(submission);
    let mut scores = Map::new();
    if let Some(score) = seen.score {
        scores.insert(PROBLEM.to_owned(), json!(rounded(score.earned)));
    }
    format!("{}{}", json::line(&feedback(&seen)), json::line(&Scores { scores }))
}

fn feedback(seen: &Submission) -> Value {
    let mut whole = Map::new();
    let built = match &seen.reason {
        _ if seen.score.is_none() => json!({ "passed": false, "hint": NOT_GRADED }),
        Some(reason) if matches!(seen.outcome, Outcome::NoBuild | Outcome::Unsupported) => {
            json!({ "passed": false, "hint": log(reason) })
        }
        _ => json!({ "passed": !matches!(seen.outcome, Outcome::NoBuild | Outcome::Unsupported) }),
    };
    whole.insert("built and graded".to_owned(), built);
    let mut tests = Map::new();
    for case in cases(seen) {
        tests.insert(free(&tests, &case.name), step(&case));
    }
    json!({ "_presentation": "semantic", "_tracer": log(&seen.tracer), "stages": STAGES, STAGES[0]: whole, STAGES[1]: tests })
}

/// `name`, or with a number behind it if it is taken.
fn free(taken: &Map<String, Value>, name: &str) -> String {
    let numbered = (2usize..).map(|number| format!("{name} ({number})"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken.contains_key(name)).unwrap_or_default()
}

fn step(case: &Case) -> Value {
    match &case.reason {
        Some(reason) => json!({ "passed": false, "hint": format!("{}: {reason}", case.outcome) }),
        None => json!({ "passed": true }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::report::fixture::{HOSTILE, filled, submission, test};

    #[test]
    fn a_small_record_word_for_word() {
        let record = submission("anna", vec![test("a", Outcome::Pass), test("a", Outcome::Wrong)]);
        assert_eq!(
            lines(&record),
            "{\"Submission\":{\"built and graded\":{\"passed\":true}},\
             \"Tests\":{\"a\":{\"passed\":true},\"a (2)\":{\"hint\":\"wrong: the trace differs\",\"passed\":false}},\
             \"_presentation\":\"semantic\",\"_tracer\":\"strace 6.1\",\"stages\":[\"Submission\",\"Tests\"]}\n{\"scores\":{\"osmem\":2.0}}\n"
        );
    }

    #[test]
    fn without_a_score_none_is_entered() {
        let text = lines(&submission("anna", vec![test("a", Outcome::InfraError)]));
        assert_eq!(text.lines().last(), Some("{\"scores\":{}}"));
        assert!(text.contains("Submit it again."));
    }

    #[test]
    fn hostile_text_adds_no_line() {
        let text = lines(&filled(HOSTILE));
        assert_eq!(text.lines().count(), 2);
        assert_eq!(text.lines().last(), Some("{\"scores\":{\"osmem\":0.0}}"));
        let feedback: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(feedback["Tests"].as_object().unwrap().len(), 2);
    }
}
