//! A record as the flat list of cases that most formats for programs want.

use super::escape::log;
use super::words;
use crate::grade::record::{Outcome, Submission};
use crate::rules::Rule;

/// One case: a test, or what is to be said of the submission as a whole. Its strings are fit for a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Unique in its submission as far as the names of the tests are.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// It is a hidden test.
    pub hidden: bool,
    /// What was earned.
    pub earned: f64,
    /// What can be had.
    pub points: f64,
    /// The rules it proves.
    pub rules: Vec<Rule>,
    /// Why it did not pass, in one line.
    pub reason: Option<String>,
    /// All that is to be said of it.
    pub text: String,
}

/// The cases of a submission, of which `seen` is what its author may see. Whatever is no pass has a case that is none.
pub fn cases(seen: &Submission) -> Vec<Case> {
    let tests = seen.tests.iter().map(|test| Case {
        name: log(&test.name),
        outcome: test.outcome,
        hidden: test.hidden,
        earned: words::rounded(test.earned),
        points: words::rounded(test.points),
        rules: test.rules.clone(),
        reason: (test.outcome != Outcome::Pass).then(|| sentence(test.reason.as_deref(), test.outcome)),
        text: words::of_test(test),
    });
    whole(seen).into_iter().chain(tests).collect()
}

/// The submission as a whole, if it is no test that says what is wrong.
fn whole(seen: &Submission) -> Option<Case> {
    let name = match seen.outcome {
        Outcome::Pass => return None,
        Outcome::NoBuild => "build",
        Outcome::InfraError => "grading",
        Outcome::Unsupported => "submission",
        _ if seen.tests.iter().any(|test| test.outcome != Outcome::Pass) => return None,
        _ => "submission",
    };
    Some(Case {
        name: name.to_owned(),
        outcome: seen.outcome,
        hidden: false,
        earned: 0.0,
        points: 0.0,
        rules: Vec::new(),
        reason: Some(sentence(seen.reason.as_deref(), seen.outcome)),
        text: words::of_whole(seen),
    })
}

/// Why something is no pass, in one line; what else there is to say stands in the text.
fn sentence(reason: Option<&str>, outcome: Outcome) -> String {
    log(reason.map_or(words::outcome(outcome), |reason| words::parts(reason).0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::report::fixture::{submission, test};

    #[test]
    fn a_failure_is_never_without_a_case() {
        for outcome in Outcome::ALL {
            let record = Submission { outcome, ..submission("anna", Vec::new()) };
            let outcomes: Vec<_> = cases(&record).iter().map(|case| case.outcome).collect();
            assert_eq!(outcomes, if outcome == Outcome::Pass { vec![] } else { vec![outcome] });
        }
    }

    #[test]
    fn a_failed_test_speaks_for_itself() {
        let names = |record: &Submission| cases(record).into_iter().map(|case| case.name).collect::<Vec<_>>();
        assert_eq!(names(&submission("anna", vec![test("a", Outcome::Crash)])), ["a"]);
        assert_eq!(names(&submission("anna", vec![test("a", Outcome::NoBuild)])), ["build", "a"]);
        assert_eq!(names(&submission("anna", vec![test("a", Outcome::InfraError)])), ["grading", "a"]);
    }
}
