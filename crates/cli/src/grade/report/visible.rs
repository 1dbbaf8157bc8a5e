//! What a student may see of a record: nothing of what hidden tests hold.

use std::collections::HashSet;

use crate::grade::record::{Cause, Kind, Outcome, Submission, Test};

/// `submission` as its author may see it.
///
/// A hidden test keeps its outcome and points, under the name `hidden test N`. What is said of the submission as a whole stays where
/// no hidden test failed; otherwise only what a visible failure tells as well. The notes and the mark
/// `suspicious`, which are the instructor's, go.
/// Doing it twice changes nothing more.
pub fn visible(submission: &Submission) -> Submission {
    let hidden_failed = |test: &&Test| test.hidden && test.outcome != Outcome::Pass;
    let leaks: Vec<&Test> = submission.tests.iter().filter(hidden_failed).collect();
    let failed: Vec<&Test> = submission.tests.iter().filter(|test| !test.hidden && is_failure(test)).collect();

    let mut seen = submission.clone();
    seen.notes.clear();
    let hidden = |name: &String| submission.tests.iter().any(|test| test.hidden && test.name == *name);
    seen.unexplained.retain(|name| !hidden(name));
    seen.suspicious = None;
    if !leaks.is_empty() {
        let told: HashSet<&str> = failed.iter().flat_map(|test| &test.causes).map(|cause| cause.id.as_str()).collect();
        let shown = |cause: &Cause| told.contains(cause.id.as_str());
        seen.causes.retain(shown);
        let searched = leaks.iter().any(|test| test.kind == Kind::Random);
        if failed.is_empty() || searched {
            seen.counterexample = None;
            seen.further.clear();
        }
        let told = failed.iter().any(|test| test.reason == submission.reason);
        seen.reason = if told { submission.reason.clone() } else { reason(submission) };
    }
    let hidden = seen.tests.iter_mut().filter(|test| test.hidden);
    for (number, test) in (1..).zip(hidden) {
        *test = stripped(test, number);
    }
    seen
}

/// Whether the submission failed it, and there is something to learn from that.
fn is_failure(test: &Test) -> bool {
    !matches!(test.outcome, Outcome::Pass | Outcome::InfraError)
}

/// A reason that names no hidden test.
fn reason(submission: &Submission) -> Option<String> {
    match submission.outcome {
        // Nothing of a test can be in it: none has run.
        Outcome::Pass | Outcome::NoBuild | Outcome::Unsupported => submission.reason.clone(),
        Outcome::InfraError => Some("the grader could not do its work".to_owned()),
        _ => {
            let count = submission.tests.iter().filter(|test| test.outcome != Outcome::Pass).count();
            Some(format!("{count} of {} tests did not pass", submission.tests.len()))
        }
    }
}

fn stripped(test: &Test, number: usize) -> Test {
    Test {
        name: format!("hidden test {number}"),
        kind: Kind::Battery,
        hidden: true,
        profile: None,
        points: test.points,
        earned: test.earned,
        outcome: test.outcome,
        reason: None,
        rules: Vec::new(),
        description: String::new(),
        hint: String::new(),
        difference: None,
        causes: Vec::new(),
        output: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::report::fixture::{cause, counterexample, submission, test};

    #[test]
    fn without_a_hidden_failure_all_but_the_notes_stays() {
        let mut record = submission("anna", vec![test("a", Outcome::Wrong), test("b", Outcome::Pass)]);
        record.tests[1].hidden = true;
        record.counterexample = Some(counterexample());
        record.notes = vec!["b.c replaced".to_owned()];
        let seen = visible(&record);
        assert_eq!((&seen.causes, &seen.reason), (&record.causes, &record.reason));
        assert_eq!(seen.counterexample, record.counterexample);
        assert_eq!(seen.tests[0], record.tests[0]);
        assert_eq!((seen.tests[1].name.as_str(), seen.tests[1].description.as_str()), ("hidden test 1", ""));
        assert!(seen.notes.is_empty());
    }

    #[test]
    fn a_hidden_failure_alone_tells_nothing() {
        let mut record = submission("anna", vec![test("a", Outcome::Pass), test("b", Outcome::Wrong)]);
        record.tests[1].hidden = true;
        record.counterexample = Some(counterexample());
        let seen = visible(&record);
        assert!(seen.causes.is_empty() && seen.counterexample.is_none());
        assert_eq!(seen.reason.as_deref(), Some("1 of 2 tests did not pass"));
        let expected =
            Test { name: "hidden test 1".to_owned(), outcome: Outcome::Wrong, ..stripped(&record.tests[1], 1) };
        assert_eq!(seen.tests[1], expected);
        assert_eq!(visible(&seen), seen);
    }

    #[test]
    fn beside_a_visible_failure_only_what_that_tells_stays() {
        let mut record = submission("anna", vec![test("a", Outcome::Wrong), test("b", Outcome::Wrong)]);
        record.tests[1].hidden = true;
        record.tests[0].causes = vec![cause("first-fit")];
        record.causes = vec![cause("secret"), cause("first-fit")];
        record.counterexample = Some(counterexample());
        let seen = visible(&record);
        assert_eq!(seen.causes, [cause("first-fit")]);
        assert!(seen.counterexample.is_some());
        assert_eq!(seen.reason.as_deref(), Some("2 of 2 tests did not pass"));
        record.reason = record.tests[0].reason.clone();
        assert_eq!(visible(&record).reason, record.reason);
        record.tests[1].kind = Kind::Random;
        assert!(visible(&record).counterexample.is_none(), "a hidden search has found it");
    }

    #[test]
    fn a_build_that_failed_is_explained_though_all_tests_are_hidden() {
        let mut record = submission("anna", vec![test("a", Outcome::NoBuild)]);
        record.tests[0].hidden = true;
        record.outcome = Outcome::NoBuild;
        record.reason = Some("cc ended with 1".to_owned());
        assert_eq!(visible(&record).reason, record.reason);
        record.outcome = Outcome::InfraError;
        assert_ne!(visible(&record).reason, record.reason);
    }
}
