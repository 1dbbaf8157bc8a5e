//! A record as its student may see it: nothing of what hidden tests hold, and as much of the others as the course tells.

use std::collections::HashSet;

use crate::grade::record::{Cause, Details, Kind, Mistake, Outcome, Submission, Test};

/// `submission` as its author may see it.
///
/// A hidden test keeps its outcome and points, under the name `hidden test N`; any other keeps what its [`Details`] let through. What
/// is said of the submission as a whole stays where every failed test tells it; otherwise only what such a test tells as
/// well. The notes and the mark `suspicious`, which are the instructor's, go.
/// Doing it twice changes nothing more.
pub fn visible(submission: &Submission) -> Submission {
    let failed_silently = |least| move |test: &&Test| !tells(test, least) && test.outcome != Outcome::Pass;
    let silent: Vec<&Test> = submission.tests.iter().filter(failed_silently(Details::Cause)).collect();
    let failures = submission.tests.iter().filter(|test| is_failure(test));
    let failed: Vec<&Test> = failures.filter(|test| tells(test, Details::Cause)).collect();

    let mut seen = submission.clone();
    seen.notes.clear();
    seen.unexplained
        .retain(|name| submission.tests.iter().all(|test| test.name != *name || tells(test, Details::Cause)));
    seen.suspicious = None;
    if !silent.is_empty() {
        let told: HashSet<&str> = failed.iter().flat_map(|test| &test.causes).map(|cause| cause.id.as_str()).collect();
        let shown = |cause: &Cause| told.contains(cause.id.as_str());
        seen.causes.retain(shown);
    }
    let mut brief = submission.tests.iter().filter(failed_silently(Details::Full)).peekable();
    if brief.peek().is_some() {
        let told = failed.iter().any(|test| test.details.is_full() && test.reason == submission.reason);
        seen.reason = if told { submission.reason.clone() } else { reason(submission) };
        if brief.any(|test| test.kind == Kind::Random) || (failed.is_empty() && !silent.is_empty()) {
            seen.counterexample = None;
            seen.further.clear();
        }
    }
    let mut open = submission
        .tests
        .iter()
        .filter(|test| !test.hidden && !matches!(test.kind, Kind::Style | Kind::Performance))
        .peekable();
    if open.peek().is_some() && open.all(|test| test.details == Details::Outcome) {
        seen.behaves.clear();
    }
    let causes = &seen.causes;
    seen.mistakes.retain_mut(|mistake| {
        let is_told = mistake.cause.as_ref().is_none_or(|id| causes.iter().any(|cause| cause.id == *id));
        is_told && narrow(mistake, submission)
    });
    seen.tests.iter_mut().filter(|test| !test.hidden).for_each(shorten);
    let hidden = seen.tests.iter_mut().filter(|test| test.hidden);
    for (number, test) in (1..).zip(hidden) {
        *test = stripped(test, number);
    }
    seen
}

/// Returns whether a student may see so much of a test.
fn tells(test: &Test, least: Details) -> bool {
    !test.hidden && test.details <= least
}

/// Takes out of a mistake what its tests do not tell. Returns whether anything of it is left.
fn narrow(mistake: &mut Mistake, submission: &Submission) -> bool {
    let shows = |name: &String, least| submission.tests.iter().any(|test| test.name == *name && tells(test, least));
    mistake.tests.retain(|name| shows(name, Details::Cause));
    if !shows(&mistake.example, Details::Full) {
        mistake.picture = None;
    }
    match mistake.tests.first() {
        None => return false,
        Some(first) if !mistake.tests.contains(&mistake.example) => mistake.example = first.clone(),
        Some(_) => {}
    }
    true
}

/// Takes away what the test's level does not let through.
fn shorten(test: &mut Test) {
    if test.details >= Details::Cause {
        test.reason = None;
        test.difference = None;
        test.hint.clear();
        test.output = None;
    }
    if test.details == Details::Outcome {
        test.description.clear();
        test.rules.clear();
        test.causes.clear();
    }
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
        details: Details::Full,
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
    fn a_test_tells_no_more_than_its_level() {
        let mut record = submission("anna", vec![test("a", Outcome::Wrong), test("b", Outcome::Pass)]);
        record.tests[0].causes = vec![cause("first-fit")];
        record.tests[0].difference = Some(crate::grade::report::fixture::difference());
        record.tests[0].output = Some("words".to_owned());
        record.unexplained = vec!["a".to_owned()];
        record.counterexample = Some(counterexample());
        record.tests[0].details = Details::Cause;
        let seen = visible(&record);
        let left = &seen.tests[0];
        assert_eq!((&left.reason, &left.difference, &left.output, left.hint.as_str()), (&None, &None, &None, ""));
        assert_eq!((left.rules.len(), left.causes.len(), left.description.is_empty()), (1, 1, false));
        assert_eq!(
            (&seen.causes, &seen.unexplained, &seen.behaves),
            (&record.causes, &record.unexplained, &record.behaves)
        );
        assert_eq!(seen.reason.as_deref(), Some("1 of 2 tests did not pass"));
        assert_eq!(visible(&seen), seen);
        record.tests[0].details = Details::Outcome;
        let seen = visible(&record);
        let left = &seen.tests[0];
        assert_eq!((left.name.as_str(), left.outcome, left.points), ("a", Outcome::Wrong, 2.0));
        assert!(
            left.rules.is_empty() && left.causes.is_empty() && left.description.is_empty() && left.reason.is_none()
        );
        assert!(seen.causes.is_empty() && seen.unexplained.is_empty() && seen.counterexample.is_none());
        assert!(!seen.behaves.is_empty(), "the other test tells of it");
        record.tests[1].details = Details::Outcome;
        assert!(visible(&record).behaves.is_empty());
        assert_eq!(visible(&visible(&record)), visible(&record));
    }

    #[test]
    fn a_search_that_is_told_in_brief_shows_no_counterexample() {
        let mut record = submission("anna", vec![test("a", Outcome::Wrong), test("b", Outcome::Wrong)]);
        record.tests[1].kind = Kind::Random;
        record.counterexample = Some(counterexample());
        assert!(visible(&record).counterexample.is_some());
        record.tests[1].details = Details::Cause;
        assert!(visible(&record).counterexample.is_none());
        record.tests[0].details = Details::Outcome;
        record.tests[1].details = Details::Full;
        assert!(visible(&record).counterexample.is_some(), "the course tells all of the search");
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
