//! Every report of a graded class, one format per file, all derived from the records.
//!
//! Each is a pure function of the record: the same record gives the same bytes, with no time, machine or path in them. Whatever a
//! submission may have written passes through [`escape`] on its way, and what goes to a student through [`visible()`] first, which
//! takes out what hidden tests hold. The terminal table, `summary.csv`, `results.jsonl` and `record.json` are the instructor's
//! and keep everything.

pub mod autolab;
pub mod case;
pub mod classroom;
pub mod csv;
pub mod ctrf;
pub mod escape;
#[cfg(test)]
pub mod fixture;
pub mod gradescope;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod mistakes;
pub mod table;
pub mod visible;
pub mod words;

pub use visible::visible;

use super::record::Submission;

/// The files of one submission's folder, by name. `record.json` holds everything and is no file for students.
pub fn files(submission: &Submission) -> Vec<(&'static str, Vec<u8>)> {
    let seen = visible(submission);
    let told = mistakes::told(&seen);
    let drawings =
        told.iter().zip(mistakes::DRAWINGS).filter_map(|(told, name)| Some((name, told.drawing()?.into_bytes())));
    let files = vec![
        ("record.json", json::pretty(submission).into_bytes()),
        ("report.md", markdown::page(&seen).into_bytes()),
        ("report.html", html::page(&seen).into_bytes()),
        ("gradescope.json", gradescope::results(submission).into_bytes()),
        ("junit.xml", junit::report(std::slice::from_ref(submission)).into_bytes()),
        ("autolab.json", autolab::lines(submission).into_bytes()),
        ("classroom.json", classroom::results(submission).into_bytes()),
        ("ctrf.json", ctrf::report(std::slice::from_ref(submission)).into_bytes()),
    ];
    files.into_iter().chain(drawings).collect()
}

/// The files of a whole class, by name; the order of `all` does not matter.
pub fn class_files(all: &[Submission]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("summary.csv", csv::summary(all).into_bytes()),
        ("results.jsonl", json::lines(all).into_bytes()),
        ("junit.xml", junit::report(all).into_bytes()),
        ("ctrf.json", ctrf::report(all).into_bytes()),
    ]
}

/// The records of a class in the order of every report: by name.
fn sorted(all: &[Submission]) -> Vec<&Submission> {
    let mut all: Vec<_> = all.iter().collect();
    all.sort_by(|one, other| (&one.name, &one.digest, &one.key).cmp(&(&other.name, &other.digest, &other.key)));
    all
}

#[cfg(test)]
mod tests {
    use super::fixture::{HOSTILE, SECRET, cause, counterexample, difference, filled, secretive, submission, test};
    use super::*;
    use crate::grade::record::{Counterexample, Details, Kind, Outcome, Test};

    /// What a student or a service gets to see.
    fn shown(submission: &Submission) -> Vec<(&'static str, String)> {
        let text = |(name, bytes): (&'static str, Vec<u8>)| (name, String::from_utf8(bytes).unwrap());
        let all = std::slice::from_ref(submission);
        let own = files(submission).into_iter().filter(|(name, _)| *name != "record.json");
        let class =
            class_files(all).into_iter().filter(|(name, _)| name.starts_with("junit") || name.starts_with("ctrf"));
        let mut shown: Vec<_> = own.chain(class).map(text).collect();
        shown.push(("partial", gradescope::partial(submission, 9)));
        shown
    }

    #[test]
    fn no_report_for_students_holds_what_hidden_tests_hold() {
        let record = secretive();
        let files = shown(&record);
        assert_eq!(files.len(), 10);
        for (name, text) in files {
            assert!(!text.contains(SECRET), "{name}: {text}");
            if name != "partial" {
                assert!(text.contains("hidden test 1") && text.contains("hidden test 2"), "{name}: {text}");
            }
        }
        for (name, bytes) in class_files(&[record]).into_iter().take(2) {
            assert!(String::from_utf8(bytes).unwrap().contains(SECRET), "{name} is the instructor's");
        }
    }

    /// Each level lets through what it must and no more, in every form.
    #[test]
    fn no_report_tells_more_than_the_course_does() {
        for (level, told, untold) in [
            (Details::Full, &["the-reason", "the-hint", "the-output", "the-cause", "the-test"][..], &[][..]),
            (Details::Cause, &["the-cause", "the-test"], &["the-reason", "the-hint", "the-output", "the-example"]),
            (
                Details::Outcome,
                &[],
                &[
                    "the-reason",
                    "the-hint",
                    "the-output",
                    "the-cause",
                    "the-test",
                    "the-example",
                    "32 bytes",
                    "R6",
                    "R5",
                ],
            ),
        ] {
            let mut failed = test("named", Outcome::Wrong);
            failed.reason = Some("the-reason".to_owned());
            failed.hint = "the-hint".to_owned();
            failed.description = "the-test".to_owned();
            failed.output = Some("the-output".to_owned());
            failed.causes = vec![cause("the-cause")];
            failed.difference = Some(difference());
            let mut found = Test { kind: Kind::Random, ..failed.clone() };
            found.name = "random-programs".to_owned();
            let mut record = submission("anna", vec![failed, found]);
            record.tests.iter_mut().for_each(|test| test.details = level);
            record.reason = Some("the-reason".to_owned());
            record.causes = vec![cause("the-cause")];
            record.counterexample = Some(Counterexample { c: "the-example".to_owned(), ..counterexample() });
            let files = shown(&record);
            for (name, text) in &files {
                assert!(text.contains("named") && text.contains("wrong") || text.contains("Wrong"), "{name}: {text}");
                for word in untold {
                    assert!(!text.contains(word), "{level:?} {name} holds {word}: {text}");
                }
            }
            for word in told {
                assert!(files.iter().any(|(_, text)| text.contains(word)), "{level:?}: nowhere {word}");
                let page = &files.iter().find(|(name, _)| *name == "report.html").unwrap().1;
                assert!(page.contains(word), "{level:?}: {word} is not in {page}");
            }
        }
    }

    #[test]
    fn a_visible_failure_beside_them_leaks_nothing_either() {
        let mut record = secretive();
        record.tests.push(test("seen", Outcome::Crash));
        record.counterexample = None;
        for (name, text) in shown(&record) {
            assert!(!text.contains(SECRET), "{name}: {text}");
        }
    }

    #[test]
    fn no_report_steers_a_terminal_or_a_ci_log() {
        let record = filled(HOSTILE);
        let all = files(&record).into_iter().chain(class_files(&[record]));
        for (name, bytes) in all {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()), "{name}: {text:?}");
            assert!(!text.contains(['\u{202e}', '\u{2066}', '\u{200b}', '\u{2028}', '\u{ffff}']), "{name}: {text:?}");
            assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{name}: {text}");
            assert!(!text.contains("##["), "{name}: {text}");
        }
    }

    #[test]
    fn the_same_records_give_the_same_bytes_in_any_order() {
        let (a, b) = (submission("a", vec![test("x", Outcome::Wrong)]), filled(HOSTILE));
        assert_eq!(class_files(&[a.clone(), b.clone()]), class_files(&[b, a.clone()]));
        assert_eq!(files(&a), files(&a.clone()));
        let names: Vec<_> = files(&a).into_iter().map(|(name, _)| name).collect();
        let expected = [
            "record.json",
            "report.md",
            "report.html",
            "gradescope.json",
            "junit.xml",
            "autolab.json",
            "classroom.json",
            "ctrf.json",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn every_field_of_the_record_is_documented() {
        fn keys(value: &serde_json::Value, found: &mut std::collections::BTreeSet<String>) {
            match value {
                serde_json::Value::Object(fields) => {
                    found.extend(fields.keys().cloned());
                    fields.values().for_each(|value| keys(value, found));
                }
                serde_json::Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
                _ => {}
            }
        }
        let page = include_str!("../../../../docs/grade-record.md");
        let mut found = std::collections::BTreeSet::new();
        keys(&serde_json::to_value(filled(HOSTILE)).unwrap(), &mut found);
        assert!(found.len() > 40, "{found:?}");
        let words = found.into_iter().chain(Outcome::ALL.map(|outcome| outcome.to_string()));
        let missing: Vec<_> = words.filter(|word| !page.contains(&format!("`{word}`"))).collect();
        assert!(missing.is_empty(), "docs/grade-record.md lacks {missing:?}");
        assert!(page.contains(&format!("**Version {}.**", crate::grade::record::VERSION)));
        for (name, _) in files(&filled("")).into_iter().chain(class_files(&[])) {
            assert!(page.contains(&format!("`{name}`")), "docs/grade-record.md lacks {name}");
        }
    }
}
