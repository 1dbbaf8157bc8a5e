//! The class in a terminal: a line per submission as it ends, then the table and the counts. For the instructor.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::escape::log;
use super::words::{cause_names, parts, points};
use crate::grade::record::{Outcome, Submission};
use crate::report::text::{BAD, BOLD, GOOD, styled};

const DOUBTFUL: Style = AnsiColor::Yellow.on_default();
/// The widest column of names; a longer name is cut in the table.
const WIDEST_NAME: usize = 40;
/// Outcome, points and the spaces around them.
const FIXED: usize = 11 + 1 + 1 + 11 + 2;

fn style_of(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Pass => GOOD,
        Outcome::InfraError => DOUBTFUL,
        _ => BAD,
    }
}

/// The width of a column that holds these names.
pub fn name_width<'a>(names: impl IntoIterator<Item = &'a str>) -> usize {
    names.into_iter().map(|name| log(name).chars().count()).max().unwrap_or(0).clamp(4, WIDEST_NAME)
}

/// The line of one submission; the name is padded to `name_width`.
pub fn line(out: &mut impl Write, submission: &Submission, name_width: usize) -> io::Result<()> {
    row(out, submission, name_width, usize::MAX)
}

/// The table of the class by name, then the submissions counted by outcome. Lines are at most `width` characters.
pub fn class(out: &mut impl Write, all: &[Submission], width: usize) -> io::Result<()> {
    let names = name_width(all.iter().map(|submission| submission.name.as_str()));
    let names = names.min(width.saturating_sub(FIXED + 12).max(4));
    if !all.is_empty() {
        let heading = format!("{:11} {:names$} {:>11}  cause", "outcome", "name", "points");
        writeln!(out, "{}", styled(BOLD, heading))?;
    }
    for submission in super::sorted(all) {
        row(out, submission, names, width.saturating_sub(FIXED + names))?;
    }
    totals(out, all)
}

/// The submissions counted by outcome.
pub fn totals(out: &mut impl Write, all: &[Submission]) -> io::Result<()> {
    let style = if all.iter().all(|submission| submission.outcome == Outcome::Pass) { GOOD } else { BAD };
    writeln!(out, "{}", styled(style, counts(all)))
}

/// `room` is what the last column may take.
fn row(out: &mut impl Write, submission: &Submission, name_width: usize, room: usize) -> io::Result<()> {
    let outcome = styled(style_of(submission.outcome), format_args!("{:11}", submission.outcome));
    let name = cut(log(&submission.name), name_width);
    let score = submission.score.map(|score| format!("{}/{}", points(score.earned), points(score.points)));
    let score = score.unwrap_or_else(|| "-".to_owned());
    let why = match cause_names(&submission.causes) {
        none if none.is_empty() => parts(submission.reason.as_deref().unwrap_or_default()).0.to_owned(),
        causes => causes,
    };
    let why = match &submission.suspicious {
        Some(reason) => format!("suspicious: {reason}"),
        None => why,
    };
    let text = format!("{name:name_width$} {score:>11}  {}", cut(log(&why), room));
    writeln!(out, "{outcome} {}", text.trim_end())
}

/// `text` in at most `width` characters.
fn cut(text: String, width: usize) -> String {
    if text.chars().count() <= width {
        return text;
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// `3 submissions: 1 pass, 2 wrong`: what there is none of is left out.
fn counts(all: &[Submission]) -> String {
    let of = |outcome: Outcome| all.iter().filter(|submission| submission.outcome == outcome).count();
    let counts: Vec<_> = Outcome::ALL
        .iter()
        .filter(|outcome| of(**outcome) > 0)
        .map(|outcome| format!("{} {outcome}", of(*outcome)))
        .collect();
    match all.len() {
        0 => "no submission was graded".to_owned(),
        1 => format!("1 submission: {}", counts.join(", ")),
        many => format!("{many} submissions: {}", counts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::report::fixture::{HOSTILE, filled, submission, test};

    fn plain(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes).unwrap();
        anstream::adapter::strip_str(std::str::from_utf8(&bytes).unwrap()).to_string()
    }

    #[test]
    fn a_submission_is_one_line() {
        let record = submission("anna", vec![test("a", Outcome::Wrong), test("b", Outcome::Pass)]);
        assert_eq!(plain(|out| line(out, &record, 6)), "wrong       anna           2/4  first-fit\n");
        let record = submission("anna", vec![test("a", Outcome::Pass)]);
        assert_eq!(plain(|out| line(out, &record, 4)), "pass        anna         2/2\n");
    }

    #[test]
    fn the_class_is_a_table_with_counts() {
        let mut unbuilt = Submission { causes: Vec::new(), ..submission("ben", vec![test("a", Outcome::NoBuild)]) };
        unbuilt.reason = Some("cc ended with 1".to_owned());
        let all = [
            unbuilt,
            submission("anna", vec![test("a", Outcome::Pass)]),
            submission("chris", vec![test("a", Outcome::InfraError)]),
            submission("dora", vec![test("a", Outcome::Pass)]),
        ];
        let text = "outcome     name       points  cause
pass        anna          2/2
no-build    ben           0/2  cc ended with 1
infra-error chris           -  first-fit
pass        dora          2/2
4 submissions: 2 pass, 1 no-build, 1 infra-error
";
        assert_eq!(plain(|out| class(out, &all, 80)), text);
        assert_eq!(plain(|out| class(out, &[], 80)), "no submission was graded\n");
    }

    #[test]
    fn hostile_names_steer_no_terminal_and_fit() {
        let all = [filled(HOSTILE), filled(&"w".repeat(300))];
        for width in [40, 60, 80, 100] {
            let text = plain(|out| class(out, &all, width));
            assert_eq!(text.lines().count(), 4, "{text}");
            assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
        }
        let mut bytes = Vec::new();
        line(&mut bytes, &all[0], 10).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("\x1b[31mred") && !text.contains(['\0', '\u{9b}', '\u{202e}']) && !text.contains("##"));
        assert_eq!(text.lines().count(), 1);
    }
}
