//! JUnit XML: a test suite per submission. A failure is the submission's, an error the grader's.

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::case::{Case, cases};
use super::visible::visible;
use super::{escape, words};
use crate::grade::record::{Outcome, Submission};

/// The submissions as their authors may see them, by name.
#[expect(clippy::expect_used, reason = "memory can be written to")]
pub fn report(all: &[Submission]) -> String {
    let mut report = Report::new("osmem grade");
    report.add_test_suites(super::sorted(all).into_iter().map(|submission| suite(&visible(submission))));
    report.to_string().expect("an XML text")
}

fn suite(seen: &Submission) -> TestSuite {
    let name = escape::log(&seen.name);
    let mut suite = TestSuite::new(&name);
    suite.add_property(Property::new("outcome", seen.outcome.name()));
    if let Some(score) = seen.score {
        suite.add_property(Property::new("score", words::points(score.earned)));
        suite.add_property(Property::new("points", words::points(score.points)));
    }
    if !seen.tracer.is_empty() {
        suite.add_property(Property::new("tracer", escape::log(&seen.tracer)));
    }
    suite.add_test_cases(cases(seen).into_iter().map(|case| test_case(case, &name)));
    suite.set_system_out(words::of_whole(seen));
    suite
}

fn test_case(case: Case, suite: &str) -> TestCase {
    let kind = match case.outcome {
        Outcome::Pass => None,
        Outcome::InfraError => Some(NonSuccessKind::Error),
        _ => Some(NonSuccessKind::Failure),
    };
    let status = kind.map_or_else(TestCaseStatus::success, |kind| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(case.outcome.name()).set_message(case.reason.unwrap_or_default()).set_description(case.text);
        status
    });
    let mut test = TestCase::new(case.name, status);
    test.set_classname(suite);
    test
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::report::fixture::{HOSTILE, filled, submission, test};

    #[test]
    fn a_small_class_word_for_word() {
        let mut failed = test("b", Outcome::Wrong);
        failed.reason = Some("1 < 2 & \"3\"".to_owned());
        let mut record = submission("anna", vec![test("a", Outcome::Pass), failed]);
        record.behaves.clear();
        let broken =
            Submission { build: None, behaves: Vec::new(), causes: Vec::new(), ..submission("ben", Vec::new()) };
        let broken =
            Submission { outcome: Outcome::InfraError, score: None, reason: Some("no strace".to_owned()), ..broken };
        assert_eq!(
            report(&[broken, record]),
            r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="osmem grade" tests="3" skipped="0" failures="1" errors="1">
    <testsuite name="anna" tests="2" skipped="0" errors="0" failures="1">
        <properties>
            <property name="outcome" value="wrong"/>
            <property name="score" value="2"/>
            <property name="points" value="4"/>
            <property name="tracer" value="strace 6.1"/>
        </properties>
        <testcase name="a" classname="anna"/>
        <testcase name="b" classname="anna">
            <failure message="1 &lt; 2 &amp; &quot;3&quot;" type="wrong">Splits the first block
Why: 1 &lt; 2 &amp; &quot;3&quot;
Rule: R6 split. If at least header + 8 bytes remain, they become a free block right behind; otherwise the whole block is given.
Hint: Look at the remainder
</failure>
        </testcase>
        <system-out>Result: wrong, a rule is broken
Score: 2 of 4 points
Search: clean
Tests: 1 of 2 passed
Why: a test failed
Likely cause: first-fit (R5, shown by 2 of 3 failing runs). What first-fit is.
Built by: cc a.c
Box: landlock. It could not write.
Watched by: strace 6.1
</system-out>
    </testsuite>
    <testsuite name="ben" tests="1" skipped="0" errors="1" failures="0">
        <properties>
            <property name="outcome" value="infra-error"/>
            <property name="tracer" value="strace 6.1"/>
        </properties>
        <testcase name="grading" classname="ben">
            <error message="no strace" type="infra-error">Result: infra-error, the grader failed
Score: The grader failed, not this submission: it is not graded, and nothing is taken off. Submit it again.
Search: clean
Why: no strace
Box: landlock. It could not write.
Watched by: strace 6.1
</error>
        </testcase>
        <system-out>Result: infra-error, the grader failed
Score: The grader failed, not this submission: it is not graded, and nothing is taken off. Submit it again.
Search: clean
Why: no strace
Box: landlock. It could not write.
Watched by: strace 6.1
</system-out>
    </testsuite>
</testsuites>
"#
        );
    }

    #[test]
    fn hostile_text_is_text_when_read_back() {
        let record = filled(HOSTILE);
        let xml = report(std::slice::from_ref(&record));
        assert!(!xml.contains("<script") && !xml.contains("]]>") && !xml.contains("<!--"), "{xml}");
        assert!(xml.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()) && !xml.contains('\u{ffff}'));
        let read = Report::deserialize_from_str(&xml).unwrap();
        assert_eq!((read.tests, read.failures, read.errors), (2, 2, 0));
        assert_eq!(read.test_suites[0].name.as_str(), escape::log(HOSTILE));
        assert_eq!(read.test_suites[0].test_cases[1].name.as_str(), "hidden test 1");
    }
}
