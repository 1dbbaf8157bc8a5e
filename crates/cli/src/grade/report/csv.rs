//! `summary.csv`: a line per submission, for spreadsheets.

use super::escape::cell;
use super::words::{cause_names, passed, points};
use crate::grade::record::Submission;

/// The names of the columns.
const COLUMNS: [&str; 14] = [
    "name",
    "outcome",
    "earned",
    "points",
    "penalty",
    "passed",
    "tests",
    "cause",
    "reason",
    "tier",
    "digest",
    "tracer",
    "search",
    "suspicious",
];

/// The class sorted by name, under a line of headings. A submission without a score has empty cells for it.
#[expect(clippy::expect_used, reason = "memory can be written to, and all lines have as many cells")]
pub fn summary(all: &[Submission]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).expect("a line of headings");
    for submission in super::sorted(all) {
        writer.write_record(line(submission)).expect("a line");
    }
    let bytes = writer.into_inner().expect("all of it");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn line(submission: &Submission) -> [String; COLUMNS.len()] {
    let Submission { name, outcome, score, causes, reason, containment, digest, tracer, search, suspicious, .. } =
        submission;
    let (passed, tests) = passed(submission);
    let number = |value: Option<f64>| value.map(points).unwrap_or_default();
    [
        cell(name),
        outcome.to_string(),
        number(score.map(|score| score.earned)),
        number(score.map(|score| score.points)),
        number(score.map(|score| score.penalty)),
        passed.to_string(),
        tests.to_string(),
        cell(&cause_names(causes)),
        cell(reason.as_deref().unwrap_or_default()),
        cell(&containment.tier),
        cell(digest),
        cell(tracer),
        search.to_string(),
        cell(suspicious.as_deref().unwrap_or_default()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::record::Outcome;
    use crate::grade::report::fixture::{HOSTILE, filled, submission, test};

    #[test]
    fn a_line_per_submission_by_name() {
        let mut failed = submission("anna", vec![test("a", Outcome::Wrong), test("b", Outcome::Pass)]);
        failed.reason = Some("a, \"b\"".to_owned());
        let broken = submission("-ben", vec![test("a", Outcome::InfraError)]);
        assert_eq!(
            summary(&[failed, broken]),
            "name,outcome,earned,points,penalty,passed,tests,cause,reason,tier,digest,tracer,search,suspicious\n\
             '-ben,infra-error,,,,0,1,first-fit,a test failed,landlock,aa,strace 6.1,clean,\n\
             anna,wrong,2,4,0,1,2,first-fit,\"a, \"\"b\"\"\",landlock,aa,strace 6.1,clean,\n"
        );
    }

    #[test]
    fn hostile_text_stays_in_its_cell_and_is_no_formula() {
        let text = summary(&[filled(HOSTILE)]);
        assert_eq!(text.lines().count(), 2);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let line = reader.records().next().unwrap().unwrap();
        assert_eq!(line.len(), COLUMNS.len());
        for column in [0, 7, 8, 9, 10, 11, 13] {
            assert!(line[column].starts_with("'=HYPERLINK"), "{}", &line[column]);
            assert!(line[column].chars().all(|c| !c.is_control() && c != '\u{202e}'));
        }
    }
}
