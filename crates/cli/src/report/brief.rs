//! The default report of `osmem check`: the tests at a glance, the score, and each mistake once. It is never more than a page.

use std::io::{self, Write};

use osmem_picture::run::Picture;
use osmem_picture::text::Screen;

use super::output;
use super::text::{BAD, BOLD, GOOD, item, styled, summary_line};
use crate::check::lesson::{self, Mistake, Theme};
use crate::record::{Outcome, Record, TestRecord};

/// Lines of the whole report, the line in front of it included.
const MOST_LINES: usize = 58;
/// Mistakes that are told.
const MOST_MISTAKES: usize = 3;
/// Columns of a theme's name.
const NAME: usize = 22;
/// Columns between two themes.
const GUTTER: usize = 3;

/// Draws the example of a mistake.
pub type Draw<'d> = dyn Fn(&TestRecord) -> Option<(Picture, usize)> + 'd;

/// Returns the screen that pictures are drawn for.
fn screen() -> Screen {
    Screen { width: output::columns(), unicode: output::is_unicode() }
}

/// Writes the report.
pub fn write(
    out: &mut impl Write,
    record: &Record,
    (themes, mistakes): (&[Theme<'_>], &[Mistake<'_>]),
    draw: &Draw<'_>,
    width: usize,
) -> io::Result<()> {
    let mut text = Vec::new();
    grid(&mut text, themes, width)?;
    score(&mut text, record)?;
    let mut end = Vec::new();
    summary_line(&mut end, record)?;
    let mut told = 0;
    for (number, mistake) in mistakes.iter().take(MOST_MISTAKES).enumerate() {
        let mut more = Vec::new();
        self::mistake(&mut more, Some(number + 1), mistake, draw, width)?;
        if told > 0 && lines(&text) + lines(&more) + lines(&end) + 2 > MOST_LINES {
            break;
        }
        text.extend(more);
        told += 1;
    }
    if mistakes.len() > told {
        writeln!(text, "\nand {} more: osmem check --all", mistakes.len() - told)?;
    } else if !mistakes.is_empty() {
        writeln!(text, "\nevery failing test in full: osmem check --all; one of them: osmem check --test NAME")?;
    }
    text.extend(end);
    out.write_all(&text)
}

/// Writes the next rule to work on, with the mistake that breaks it.
pub fn step(
    out: &mut impl Write,
    themes: &[Theme<'_>],
    next: Option<&Mistake<'_>>,
    draw: &Draw<'_>,
    width: usize,
) -> io::Result<()> {
    let Some(next) = next else {
        return writeln!(out, "{}", styled(GOOD, format_args!("all {} steps are done", themes.len())));
    };
    let place = themes.iter().position(|theme| theme.rule == next.rule()).unwrap_or(0);
    let theme = &themes[place];
    let title = format!("step {} of {}: {}", place + 1, themes.len(), theme.name());
    writeln!(out, "{}", styled(BOLD, title))?;
    let done: Vec<&str> = themes.iter().filter(|theme| theme.passes()).map(Theme::name).collect();
    if !done.is_empty() {
        item(out, "done", &done.join(", "), width)?;
    }
    let passed = theme.tests.iter().filter(|test| test.outcome == Outcome::Pass).count();
    item(out, "tests", &format!("{} {passed} of {} pass", marks(theme), theme.tests.len()), width)?;
    mistake(out, None, next, draw, width)?;
    writeln!(out, "\nthen: osmem check --step")
}

fn lines(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

/// Returns a mark for each test of a theme.
fn marks(theme: &Theme<'_>) -> String {
    let (pass, fail) = if output::is_unicode() { ("●", "✗") } else { (".", "x") };
    let mark = |test: &&TestRecord| match test.outcome {
        Outcome::Pass => styled(GOOD, pass),
        Outcome::InfraError => "?".to_owned(),
        _ => styled(BAD, fail),
    };
    theme.tests.iter().map(mark).collect()
}

/// Writes the themes with a mark for each test, in two columns where there is room.
fn grid(out: &mut impl Write, themes: &[Theme<'_>], width: usize) -> io::Result<()> {
    let longest = |themes: &[Theme<'_>]| themes.iter().map(|theme| theme.tests.len()).max().unwrap_or(0);
    let (left, right) = themes.split_at(themes.len().div_ceil(2));
    let cell = NAME + longest(left) + GUTTER;
    let rows = if cell + NAME + longest(right) <= width { left.len() } else { themes.len() };
    for row in 0..rows {
        let cells: Vec<&Theme<'_>> = themes.iter().skip(row).step_by(rows).collect();
        for (number, theme) in cells.iter().enumerate() {
            write!(out, "{:NAME$}{}", theme.name(), marks(theme))?;
            if number + 1 < cells.len() {
                write!(out, "{:1$}", "", cell - NAME - theme.tests.len())?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

fn score(out: &mut impl Write, record: &Record) -> io::Result<()> {
    let scores = record.summary.profiles.iter().map(|(profile, score)| {
        let text = format!("{profile} {} of {} points", score.earned, score.points);
        styled(if score.passed == score.tests { GOOD } else { BOLD }, text)
    });
    writeln!(out, "\n{}", scores.collect::<Vec<_>>().join(", "))
}

/// Returns the reason of a failure in one line, without the exit status of a program that found a fault itself.
fn reason(test: &TestRecord) -> Option<&str> {
    const FOUND: &str = "check failed: ";
    let line = test.reason.as_deref().and_then(|reason| reason.lines().next())?;
    Some(line.split_once(FOUND).map_or(line, |(_, found)| found))
}

fn mistake(
    out: &mut impl Write,
    number: Option<usize>,
    mistake: &Mistake<'_>,
    draw: &Draw<'_>,
    width: usize,
) -> io::Result<()> {
    let Mistake { cause, alternatives, tests, example } = mistake;
    if let Some(number) = number {
        writeln!(out, "\n{}", styled(BAD, format_args!("mistake {number}")))?;
    }
    match cause {
        Some(cause) => item(out, "what", cause.sentence, width)?,
        None => {
            let what = reason(example).unwrap_or("the run differs from what the contract demands");
            item(out, "what", &format!("{what}; no known mistake explains it"), width)?;
        }
    }
    alternatives.iter().try_for_each(|other| item(out, "or", other.sentence, width))?;
    if let Some(rule) = mistake.rule() {
        item(out, "rule", &format!("{rule} {}. {}", rule.name(), rule.sentence()), width)?;
    }
    item(out, "tests", &lesson::names(tests.iter().map(|test| test.name.as_str())), width)?;
    let reason = reason(example).unwrap_or_default();
    match draw(example).as_ref().and_then(|(picture, place)| picture.scene(*place)) {
        Some(scene) => {
            let told = match &scene.call.wrong {
                Some(wrong) => {
                    let (expected, actual) = wrong.sides(scene.call);
                    let seen = if actual == "?" { "and it never returns".to_owned() } else { format!("seen {actual}") };
                    format!("{}; expected {expected}, {seen}", scene.call.text)
                }
                None => format!("{}: {reason}", scene.call.line()),
            };
            item(out, "example", &format!("{}, call {}: {told}", example.name, scene.call.number), width)?;
            write!(out, "{}", screen().bars(&scene, 2))?;
        }
        None => item(out, "example", &format!("{}: {reason}", example.name), width)?,
    }
    item(out, "hint", &mistake.hint(), width)?;
    example.trace_file.iter().try_for_each(|file| item(out, "trace", &output::shown(file), usize::MAX))
}
