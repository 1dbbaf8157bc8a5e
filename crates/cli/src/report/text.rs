//! The report for people: a line per test as it ends, then the failures in full, then the summary.

use std::fmt::Display;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{columns, output};
use crate::oracle::CauseRecord;
use crate::record::{Difference, Ender, Injected, Judge, Outcome, Record, Summary, Tally, TestRecord};
use crate::rules::Rule;

pub const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
pub const GOOD: Style = AnsiColor::Green.on_default();
pub const BAD: Style = AnsiColor::Red.on_default().bold();
const DOUBTFUL: Style = AnsiColor::Yellow.on_default();

/// `text` in `style`; [`anstream`] takes the style away where it does not belong.
pub fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

fn style_of(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Pass => GOOD,
        Outcome::InfraError => DOUBTFUL,
        Outcome::Fail | Outcome::Crash | Outcome::Timeout | Outcome::Limit | Outcome::Forbidden => BAD,
    }
}

/// The line of one test; the name is padded to `width`.
pub fn line(out: &mut impl Write, test: &TestRecord, width: usize) -> io::Result<()> {
    let outcome = styled(style_of(test.outcome), format_args!("{:11}", test.outcome));
    if let Some(Injected { refused, pardoned }) = &test.injected {
        let refused = refused.as_ref().map_or("not reached".to_owned(), |place| format!("refused {place}"));
        let end = match pardoned.as_ref().map(|pardon| pardon.by) {
            Some(Ender::Program) => ", which the program did not expect",
            Some(Ender::Library) => ", where the library ended the program",
            None => "",
        };
        return writeln!(out, "{outcome} {:width$} {:8.1} ms   {refused}{end}", test.name, test.milliseconds);
    }
    let points = format!("{}/{}", test.earned, test.points);
    writeln!(out, "{outcome} {:width$} {points:>7} points {:8.1} ms", test.name, test.milliseconds)
}

/// What follows the lines: every test that did not pass, then the summary. Lines are at most `width` characters.
pub fn rest(out: &mut impl Write, record: &Record, width: usize) -> io::Result<()> {
    for test in record.tests.iter().filter(|test| test.outcome.is_failure() || test.outcome == Outcome::InfraError) {
        failure(out, test, record.own, width)?;
    }
    summary(out, record, width)
}

fn failure(out: &mut impl Write, test: &TestRecord, own: bool, width: usize) -> io::Result<()> {
    let title = format!("{}: {}", test.outcome, test.name);
    writeln!(out, "\n{} {}", styled(style_of(test.outcome), title), styled(DIM, format_args!("({})", test.profile)))?;
    item(out, "test", &test.description, width)?;
    if let Some(reason) = &test.reason {
        let mut lines = reason.lines();
        item(out, "why", lines.next().unwrap_or_default(), width)?;
        // Two traces side by side, where two tracers disagree.
        lines.try_for_each(|line| writeln!(out, "    {line}"))?;
    }
    let told = |line: &str| test.reason.as_ref().is_some_and(|reason| reason.ends_with(line));
    if let Some(output) = test.output.as_ref().filter(|output| !told(output.trim_end())) {
        for (number, line) in output.lines().enumerate() {
            item(out, if number == 0 { "output" } else { "" }, line, width)?;
        }
    }
    if let Some(difference) = &test.difference {
        table(out, difference, width)?;
    }
    for origin in &test.origins {
        item(out, "origin", origin, width)?;
    }
    causes(out, &test.causes, "cause", width)?;
    if test.outcome.is_failure() {
        for (number, rule) in test.rules.iter().enumerate() {
            let text = format!("{rule} {}. {}", rule.name(), rule.sentence());
            item(out, if number == 0 { "rules" } else { "" }, &text, width)?;
        }
        item(out, "hint", &test.hint, width)?;
    }
    if let Some(file) = &test.trace_file {
        item(out, "trace", &output::shown(file), usize::MAX)?;
        if own && test.outcome == Outcome::Fail && test.judged_by == Judge::Fixture {
            let name = &test.name;
            item(
                out,
                "accept",
                &format!("osmem bless {name}, or make bless ARGS={name}; only if the contract says so"),
                width,
            )?;
        }
    }
    Ok(())
}

/// A labelled paragraph, wrapped between words and hanging under its first line.
pub fn item(out: &mut impl Write, label: &str, text: &str, width: usize) -> io::Result<()> {
    const INDENT: usize = 10;
    write!(out, "  {} ", styled(BOLD, format_args!("{label:7}")))?;
    let mut column = INDENT;
    for (number, word) in text.split_whitespace().enumerate() {
        let length = word.chars().count();
        if number > 0 && column.saturating_add(length + 1) > width {
            write!(out, "\n{:INDENT$}", "")?;
            column = INDENT;
        } else if number > 0 {
            write!(out, " ")?;
            column += 1;
        }
        write!(out, "{word}")?;
        column += length;
    }
    writeln!(out)
}

pub fn table(out: &mut impl Write, difference: &Difference, width: usize) -> io::Result<()> {
    let widths = columns::widths(&difference.context, width);
    writeln!(out)?;
    let heading = format!("    {:left$}   actual", "expected", left = widths.0);
    writeln!(out, "{}", styled(BOLD, heading))?;
    for row in &difference.context {
        let cells = columns::cells(row, widths);
        let (left, right) = if row.mark == ' ' { (DIM, DIM) } else { (GOOD, BAD) };
        write!(out, "  {} ", row.mark)?;
        if cells.actual.is_empty() {
            writeln!(out, "{}", styled(left, cells.expected.trim_end()))?;
        } else {
            writeln!(out, "{}{}", styled(left, cells.expected), styled(right, cells.actual))?;
        }
    }
    writeln!(out)
}

fn summary(out: &mut impl Write, record: &Record, width: usize) -> io::Result<()> {
    let Summary { profiles, rules, .. } = &record.summary;
    writeln!(out)?;
    // With an injection nothing is scored.
    let scored = record.inject.is_none();
    for (profile, score) in profiles.iter().filter(|_| scored) {
        let text = format!(
            "{:7} {:>4} of {:>4} points, {:>3} of {:>3} tests",
            profile, score.earned, score.points, score.passed, score.tests
        );
        let style = if score.passed == score.tests { GOOD } else { DOUBTFUL };
        writeln!(out, "{}", styled(style, text))?;
    }
    let cell = |(rule, tally): (&Rule, &Tally)| {
        let style = if tally.passed == tally.tests { GOOD } else { DOUBTFUL };
        styled(style, format_args!("{:3} {:>5}", rule.to_string(), format!("{}/{}", tally.passed, tally.tests)))
    };
    let cells: Vec<_> = rules.iter().map(cell).collect();
    for cells in cells.chunks((width / 12).clamp(1, 9)).filter(|_| scored) {
        writeln!(out, "{}", cells.join("   "))?;
    }
    by_oracle(out, record, width)?;
    together(out, record, width)?;
    summary_line(out, record)
}

/// Writes how many tests passed and failed, how long that took, and of which library.
pub fn summary_line(out: &mut impl Write, record: &Record) -> io::Result<()> {
    let seconds = record.summary.seconds;
    let mut counts = counts(&record.summary);
    let unreached = |test: &&TestRecord| test.injected.as_ref().is_some_and(|injected| injected.refused.is_none());
    match record.tests.iter().filter(unreached).count() {
        0 => {}
        count => counts += &format!(" ({count} not reached)"),
    }
    let interrupted = if record.interrupted { "interrupted: " } else { "" };
    let style =
        if record.summary.failures() + record.summary.infra_errors > 0 || record.interrupted { BAD } else { GOOD };
    writeln!(
        out,
        "{} in {seconds:.2} s: {}",
        styled(style, format!("{interrupted}{counts}")),
        output::shown(&record.library)
    )
}

/// Names the tests that passed by the oracle, as for another header size or another reading of an open point.
fn by_oracle(out: &mut impl Write, record: &Record, width: usize) -> io::Result<()> {
    let by_oracle = |test: &&TestRecord| test.judged_by == Judge::Oracle && test.outcome == Outcome::Pass;
    let judged = record.tests.iter().filter(by_oracle).count();
    if judged == 0 {
        return Ok(());
    }
    let count = if judged == record.tests.len() { "all".to_owned() } else { judged.to_string() };
    item(out, "oracle", &format!("{count} judged by the contract as a model instead of a golden trace"), width)
}

/// What all tests together say of the library.
fn together(out: &mut impl Write, record: &Record, width: usize) -> io::Result<()> {
    for (number, sentence) in record.behaves.iter().enumerate() {
        item(out, if number == 0 { "library" } else { "" }, sentence, width)?;
    }
    causes(out, &record.causes, "cause", width)?;
    if let [_, ..] = &record.unexplained[..] {
        let tests = record.unexplained.join(", ");
        item(out, "unknown", &format!("no known mistake explains {tests}"), width)?;
    }
    Ok(())
}

/// The mistakes, each with what explains as much in its place.
pub fn causes(out: &mut impl Write, causes: &[CauseRecord], label: &str, width: usize) -> io::Result<()> {
    for (number, cause) in causes.iter().enumerate() {
        let CauseRecord { id, sentence, explained, runs, .. } = cause;
        let rules: Vec<_> = cause.rules.iter().map(Rule::to_string).collect();
        let share = if *runs > 1 { format!(", shown by {explained} of {runs} failing runs") } else { String::new() };
        let text = format!("{id} ({}{share}). {sentence}", rules.join(", "));
        let label = match number {
            0 => label,
            _ if cause.equal => "or",
            _ => "also",
        };
        item(out, label, &text, width)?;
    }
    Ok(())
}

/// `97 passed, 2 failed, 1 crashed`: what there is none of is left out.
fn counts(summary: &Summary) -> String {
    let counts = [
        (summary.passed, "passed"),
        (summary.failed, "failed"),
        (summary.crashed, "crashed"),
        (summary.timed_out, "timed out"),
        (summary.limited, "went over a limit"),
        (summary.forbidden, "did what is forbidden"),
        (summary.infra_errors, "not run properly"),
    ];
    let counts: Vec<_> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if counts.is_empty() { "no test ended".to_owned() } else { counts.join(", ") }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::record::VERSION;
    use crate::suite::{Profile, Test};

    fn test(name: &str, outcome: Outcome) -> TestRecord {
        let test = Test {
            name: name.to_owned(),
            program: name.to_owned(),
            points: crate::points::Points::whole(2),
            profile: Profile::Core,
            rules: vec!["R6".parse().unwrap()],
            description: "Splits the first block".to_owned(),
            hint: "Look at the remainder".to_owned(),
            refusals: false,
            start: crate::suite::Start::Cold,
            scene: 0,
            subject: None,
        };
        TestRecord::new(&test, outcome, None, Duration::from_millis(9))
    }

    fn plain(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes).unwrap();
        anstream::adapter::strip_str(std::str::from_utf8(&bytes).unwrap()).to_string()
    }

    fn record(tests: Vec<TestRecord>) -> Record {
        let summary = Summary::of(&tests, Duration::from_millis(1230));
        Record {
            version: VERSION,
            library: PathBuf::from("/x/libosmem.so"),
            own: true,
            tracer: "strace 6.1".to_owned(),
            profile: "all",
            inject: None,
            interrupted: false,
            behaves: Vec::new(),
            causes: Vec::new(),
            unexplained: Vec::new(),
            tests,
            summary,
        }
    }

    #[test]
    fn a_test_is_one_line() {
        let text = plain(|out| line(out, &test("split-first", Outcome::Pass), 14));
        assert_eq!(text, "pass        split-first        2/2 points      9.0 ms\n");
    }

    #[test]
    fn a_failure_tells_everything_that_helps() {
        let mut failed = test("split-first", Outcome::Fail);
        failed.reason = Some("the trace differs".to_owned());
        failed.output = Some("first\nsecond".to_owned());
        failed.trace_file = Some(PathBuf::from("/t/split-first.trace"));
        failed.difference = Some(crate::grade::report::fixture::difference());
        let mut doubtful = test("b", Outcome::InfraError);
        doubtful.reason = Some(format!("two lines:\n  ~ os_malloc(8) = NULL │ {}\n  - exit 0", "x ".repeat(60)));
        let text = plain(|out| rest(out, &record(vec![failed, doubtful]), 100));
        let wide = format!("  why     two lines:\n      ~ os_malloc(8) = NULL │ {}\n      - exit 0\n", "x ".repeat(60));
        assert!(text.contains(&wide), "{text}");
        let text = text.replace(&wide, "");
        for expected in [
            "fail: split-first (core)\n  test    Splits the first block\n  why     the trace differs\n",
            "  output  first\n          second\n",
            "    expected                   actual\n    os_malloc(8) = HEAP+0x20 │ os_malloc(8) = HEAP+0x20\n  ~ os_malloc(8) = HEAP+0x48 │ os_malloc(8) = NULL\n  - exit 0                   │\n",
            "  rules   R6 split. If at least header + 8 bytes remain",
            "  hint    Look at the remainder\n",
            "  trace   /t/split-first.trace\n  accept  osmem bless split-first",
            "core       0 of    4 points,   0 of   2 tests\nR6    0/2\n",
            "1 failed, 1 not run properly in 1.23 s: /x/libosmem.so\n",
        ] {
            assert!(text.contains(expected), "{expected}\n-- not in --\n{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
}
