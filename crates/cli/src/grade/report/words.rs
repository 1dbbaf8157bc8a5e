//! What every report says alike: points, causes, rules, two traces side by side, and whole explanations as plain text.

use super::escape::{log, log_lines, printable};
use crate::grade::record::{Cause, Counterexample, Details, Outcome, Submission, Test};
use crate::record::{Difference, Row};
use crate::report::columns;
use crate::rules::Rule;

/// The width of two traces side by side in a text.
pub const WIDTH: usize = 120;

/// Said instead of a score.
pub const NOT_GRADED: &str =
    "The grader failed, not this submission: it is not graded, and nothing is taken off. Submit it again.";

/// Said of a test of which the course tells the outcome alone.
pub const OUTCOME: &str = "No more is told of this test.";

/// Said of a hidden test.
pub const HIDDEN: &str = "What this test does is not shown.";

/// Points without the noise of binary fractions.
pub fn rounded(points: f64) -> f64 {
    let points = (points * 10_000.0).round() / 10_000.0;
    // No "-0".
    if points == 0.0 { 0.0 } else { points }
}

/// Points for people: `3`, `2.5`, `0.3333`.
pub fn points(points: f64) -> String {
    rounded(points).to_string()
}

/// What a submission is worth, in words.
pub fn score(submission: &Submission) -> String {
    let Some(score) = submission.score else { return NOT_GRADED.to_owned() };
    let late = match rounded(score.penalty) {
        0.0 => String::new(),
        _ => format!(" ({} taken off for being late)", points(score.penalty)),
    };
    format!("{} of {} points{late}", points(score.earned), points(score.points))
}

/// An outcome in words.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "everything is as it must be",
        Outcome::Wrong => "a rule is broken",
        Outcome::Crash => "ended by a signal",
        Outcome::Timeout => "did not end in time",
        Outcome::Limit => "went over a limit",
        Outcome::Forbidden => "tried what is forbidden here",
        Outcome::NoBuild => "does not build",
        Outcome::Unsupported => "nothing that can be built or used",
        Outcome::InfraError => "the grader failed",
    }
}

/// The names of the causes to be named.
pub fn cause_names(causes: &[Cause]) -> String {
    let mut names = String::new();
    for cause in causes {
        let between = if cause.equal { " or " } else { ", " };
        names.push_str(if names.is_empty() { "" } else { between });
        names.push_str(&cause.id);
    }
    names
}

/// Words in front of a cause.
pub fn cause_label(number: usize, cause: &Cause) -> &'static str {
    match number {
        0 => "Likely cause",
        _ if cause.equal => "Or",
        _ => "Also",
    }
}

/// Said of tests that no known mistake explains; nothing if there are none.
pub fn unexplained(tests: &[String]) -> Option<String> {
    const MOST: usize = 5;
    let names: Vec<&str> = tests.iter().take(MOST).map(String::as_str).collect();
    let more = tests.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!tests.is_empty()).then(|| format!("No known mistake explains {}{more}.", names.join(", ")))
}

/// What stands between a cause's name and its sentence.
pub fn cause_scope(cause: &Cause) -> String {
    let mut parts: Vec<_> = cause.rules.iter().map(Rule::to_string).collect();
    if cause.runs > 1 {
        parts.push(format!("shown by {} of {} failing runs", cause.explained, cause.runs));
    }
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// A rule with its sentence.
pub fn rule(rule: Rule) -> String {
    format!("{rule} {}. {}", rule.name(), rule.sentence())
}

/// `1 line`, `2 lines`.
pub fn count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Returns the tests that did not pass and of which more is told than that.
pub fn told_failures(tests: &[Test]) -> Vec<&Test> {
    let told = |test: &&Test| !test.hidden && test.details != Details::Outcome && test.outcome != Outcome::Pass;
    tests.iter().filter(told).collect()
}

/// Tests that passed, and all of them.
pub fn passed(submission: &Submission) -> (usize, usize) {
    let passed = submission.tests.iter().filter(|test| test.outcome == Outcome::Pass).count();
    (passed, submission.tests.len())
}

/// The output of a test, unless its reason ends with the same words.
pub fn output(test: &Test) -> Option<&str> {
    let told = |output: &str| test.reason.as_ref().is_some_and(|reason| reason.ends_with(output.trim_end()));
    test.output.as_deref().filter(|output| !output.trim().is_empty() && !told(output))
}

/// A reason's sentence, and the lines below it if there are any: two traces side by side, where two tracers disagree.
pub fn parts(reason: &str) -> (&str, &str) {
    reason.split_once('\n').unwrap_or((reason, ""))
}

/// Two traces side by side, printable.
pub fn side_by_side(difference: &Difference, width: usize) -> String {
    let shown = |text: &Option<String>| text.as_deref().map(printable);
    let mark = |mark: char| if " -+~".contains(mark) { mark } else { '?' };
    let rows: Vec<Row> = difference
        .context
        .iter()
        .map(|row| Row { mark: mark(row.mark), expected: shown(&row.expected), actual: shown(&row.actual) })
        .collect();
    let widths = columns::widths(&rows, width);
    let mut text = format!("    {:left$} │ actual\n", "expected", left = widths.0);
    for row in &rows {
        let cells = columns::cells(row, widths);
        let line = format!("  {} {}{}", row.mark, cells.expected, cells.actual);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Paragraphs with labels, escaped for a log.
#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, label: &str, text: &str) {
        self.0.push_str(&log(&format!("{label}{text}")));
        self.0.push('\n');
    }

    fn block(&mut self, label: &str, text: &str) {
        self.line(label, "");
        for line in log_lines(text.trim_end_matches(['\n', '\r'])).lines() {
            self.0.push_str(&format!("  {line}\n"));
        }
    }

    fn reason(&mut self, reason: &str) {
        let (sentence, rest) = parts(reason);
        self.line("Why: ", sentence);
        for line in log_lines(rest).lines() {
            self.0.push_str(&format!("  {line}\n"));
        }
    }

    fn difference(&mut self, difference: Option<&Difference>) {
        if let Some(difference) = difference {
            self.0.push_str(&log_lines(&side_by_side(difference, WIDTH)));
        }
    }

    fn causes(&mut self, causes: &[Cause]) {
        for (number, cause) in causes.iter().enumerate() {
            let label = format!("{}: ", cause_label(number, cause));
            let label = label.as_str();
            self.line(label, &format!("{}{}. {}", cause.id, cause_scope(cause), cause.sentence));
        }
    }

    fn counterexample(&mut self, title: &str, example: &Counterexample) {
        let calls = count(example.calls, "call", "calls");
        self.line(&format!("{title}: "), &format!("{} ({calls})", example.sentence));
        self.block("As a C program:", &example.c);
        self.difference(example.difference.as_ref());
        self.causes(&example.causes);
    }
}

/// What is to be said of a test, as text that is fit for a log. `test` is as [`visible`](super::visible()) has left it.
pub fn of_test(test: &Test) -> String {
    let mut text = Text::default();
    if test.hidden {
        return HIDDEN.to_owned();
    }
    if test.details == Details::Outcome {
        return OUTCOME.to_owned();
    }
    if !test.description.is_empty() {
        text.line("", &test.description);
    }
    if test.outcome != Outcome::Pass {
        if let Some(reason) = &test.reason {
            text.reason(reason);
        }
        text.difference(test.difference.as_ref());
        text.causes(&test.causes);
    }
    if !matches!(test.outcome, Outcome::Pass | Outcome::InfraError) {
        for proved in &test.rules {
            text.line("Rule: ", &rule(*proved));
        }
        if !test.hint.is_empty() {
            text.line("Hint: ", &test.hint);
        }
    }
    if let Some(output) = output(test).filter(|_| test.outcome != Outcome::Pass) {
        text.block("Output:", output);
    }
    text.0
}

/// What is to be said of a submission beside its tests, as text that is fit for a log. `seen` is as [`visible`](super::visible()) has
/// left it.
pub fn of_whole(seen: &Submission) -> String {
    let mut text = Text::default();
    let (passed, tests) = passed(seen);
    text.line("Result: ", &format!("{}, {}", seen.outcome, outcome(seen.outcome)));
    text.line("Score: ", &score(seen));
    text.line("Search: ", &seen.search.to_string());
    if tests > 0 {
        text.line("Tests: ", &format!("{passed} of {tests} passed"));
    }
    if let Some(reason) = &seen.reason {
        text.reason(reason);
    }
    text.causes(&seen.causes);
    if let Some(sentence) = unexplained(&seen.unexplained) {
        text.line("", &sentence);
    }
    for sentence in &seen.behaves {
        text.line("Library: ", sentence);
    }
    for (title, example) in seen.counterexamples() {
        text.counterexample(title, example);
    }
    if let Some(build) = &seen.build {
        text.line("Built by: ", &build.command);
        if !build.log.trim().is_empty() {
            text.block("Build log:", &build.log);
        }
        if build.cut > 0 {
            text.line("", &format!("({} left out)", count(build.cut, "line", "lines")));
        }
    }
    text.line("Box: ", &format!("{}. {}", seen.containment.tier, seen.containment.sentence));
    if !seen.tracer.is_empty() {
        text.line("Watched by: ", &seen.tracer);
    }
    text.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::record::Score;
    use crate::grade::report::fixture::{HOSTILE, cause, counterexample, difference, filled, submission, test};

    #[test]
    fn points_are_plain() {
        let shown: Vec<_> = [3.0, 2.5, 1.0 / 3.0, 0.1 + 0.2, -0.0].map(points).into();
        assert_eq!(shown, ["3", "2.5", "0.3333", "0.3", "0"]);
        let mut record = submission("a", Vec::new());
        record.score = Some(Score { earned: 7.5, points: 10.0, penalty: 1.0 });
        assert_eq!(score(&record), "7.5 of 10 points (1 taken off for being late)");
        record.score = None;
        assert_eq!(score(&record), NOT_GRADED);
    }

    #[test]
    fn a_failed_test_is_explained() {
        let mut failed = test("a", Outcome::Wrong);
        failed.difference = Some(difference());
        failed.causes = vec![cause("first-fit"), Cause { equal: true, ..cause("last-fit") }, cause("next-fit")];
        failed.output = Some("one\ntwo\n".to_owned());
        let text = "Splits the first block
Why: the trace differs
    expected                 │ actual
    os_malloc(8) = HEAP+0x20 │ os_malloc(8) = HEAP+0x20
  ~ os_malloc(8) = HEAP+0x48 │ os_malloc(8) = NULL
  - exit 0                   │
Likely cause: first-fit (R5, shown by 2 of 3 failing runs). What first-fit is.
Or: last-fit (R5, shown by 2 of 3 failing runs). What last-fit is.
Also: next-fit (R5, shown by 2 of 3 failing runs). What next-fit is.
Rule: R6 split. If at least header + 8 bytes remain, they become a free block right behind; otherwise the whole block is given.
Hint: Look at the remainder
Output:
  one
  two
";
        assert_eq!(of_test(&failed), text);
        assert_eq!(of_test(&test("a", Outcome::Pass)), "Splits the first block\n");
        let mut doubtful = test("a", Outcome::InfraError);
        doubtful.reason = Some("the tracers disagree:\n    a │ a\n  ~ b │ c".to_owned());
        let text = "Splits the first block\nWhy: the tracers disagree:\n      a │ a\n    ~ b │ c\n";
        assert_eq!(of_test(&doubtful), text);
    }

    #[test]
    fn the_whole_is_explained() {
        let mut record = submission("anna", vec![test("a", Outcome::Wrong), test("b", Outcome::Pass)]);
        record.counterexample = Some(counterexample());
        if let Some(build) = &mut record.build {
            build.log = "a.c:1: warning\n".to_owned();
            build.cut = 1;
        }
        let text = "Result: wrong, a rule is broken
Score: 2 of 4 points
Search: clean
Tests: 1 of 2 passed
Why: a test failed
Likely cause: first-fit (R5, shown by 2 of 3 failing runs). What first-fit is.
Library: The header has 32 bytes.
The shortest program that shows a mistake: os_malloc(8) gives NULL (1 call)
As a C program:
  int main(void) {
      os_malloc(8);
  }
    expected                 │ actual
    os_malloc(8) = HEAP+0x20 │ os_malloc(8) = HEAP+0x20
  ~ os_malloc(8) = HEAP+0x48 │ os_malloc(8) = NULL
  - exit 0                   │
Likely cause: wrong-null (R5, shown by 2 of 3 failing runs). What wrong-null is.
Built by: cc a.c
Build log:
  a.c:1: warning
(1 line left out)
Box: landlock. It could not write.
Watched by: strace 6.1
";
        assert_eq!(of_whole(&record), text);
        record.tracer = String::new();
        assert!(of_whole(&record).ends_with("It could not write.\n"));
    }

    #[test]
    fn hostile_text_steers_nothing() {
        let record = filled(HOSTILE);
        for text in [of_test(&record.tests[0]), of_whole(&record)] {
            assert!(text.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()), "{text:?}");
            assert!(!text.contains(['\u{202e}', '\u{2066}', '\u{200b}', '\u{2028}', '\u{9b}']), "{text:?}");
            assert!(!text.contains("##"), "{text}");
            assert!(!text.split_whitespace().any(|word| word.starts_with("::")), "{text}");
        }
    }
}
