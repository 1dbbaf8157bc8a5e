//! What `osmem fuzz` came to, for people.

use std::io::{self, Write};

use super::output;
use super::text::{BAD, BOLD, GOOD, causes, item, styled, table};
use crate::fuzz::FuzzRecord;
use crate::fuzz::reproducer::Reproducer;

/// Writes all of it; lines are at most `width` characters.
pub fn write(out: &mut impl Write, record: &FuzzRecord, width: usize) -> io::Result<()> {
    let FuzzRecord { tracer, seed, profile, programs, calls, seconds, calls_per_second, .. } = record;
    let library = output::shown(&record.library);
    let interrupted = if record.interrupted { "interrupted: " } else { "" };
    writeln!(
        out,
        "{library}: {interrupted}{programs} programs (seed {seed}, profile {profile}), {calls} calls in {seconds:.1} s, {calls_per_second} calls per second, {tracer}"
    )?;
    for (number, sentence) in record.behaves.iter().enumerate() {
        item(out, if number == 0 { "library" } else { "" }, sentence, width)?;
    }
    match &record.finding {
        None => writeln!(out, "{}", styled(GOOD, "no program failed")),
        Some(found) => {
            finding(out, found, record, width)?;
            record.more.iter().try_for_each(|found| further(out, found, width))
        }
    }
}

/// Writes a counterexample for another mistake; its C and Rust forms are in files alone.
fn further(out: &mut impl Write, found: &Reproducer, width: usize) -> io::Result<()> {
    let title = format!("program {} shows another mistake in {}:", found.program, calls(found));
    writeln!(out, "\n{} {}", styled(BAD, title), found.sentence)?;
    mistake(out, found, width)?;
    block(out, "as a script", &found.script)
}

/// Writes the details of a counterexample, and says so if no cause is known.
fn mistake(out: &mut impl Write, found: &Reproducer, width: usize) -> io::Result<()> {
    details(out, found, width)?;
    if found.causes.is_empty() { item(out, "cause", "no known mistake explains it", width) } else { Ok(()) }
}

fn calls(found: &Reproducer) -> String {
    if found.calls == 1 { "1 call".to_owned() } else { format!("{} calls", found.calls) }
}

fn finding(out: &mut impl Write, found: &Reproducer, record: &FuzzRecord, width: usize) -> io::Result<()> {
    let enough = format!("{} {} enough", calls(found), if found.calls == 1 { "is" } else { "are" });
    let title = format!("program {} fails, {enough}:", found.program);
    writeln!(out, "\n{} {}", styled(BAD, title), found.sentence)?;
    mistake(out, found, width)?;
    block(out, "as a script", &found.script)?;
    block(out, "as a C program", &found.c)?;
    match &found.rust {
        Ok(rust) => block(out, "as a Rust test program", rust)?,
        Err(why) => item(out, "rust", &format!("there is no Rust test program: {why}"), width)?,
    }
    writeln!(out)?;
    for (number, file) in record.files.iter().enumerate() {
        item(out, if number == 0 { "files" } else { "" }, &output::shown(file), usize::MAX)?;
    }
    if let Some(script) = record.files.first() {
        let (script, lib) = (output::shown(script), output::shown(&record.library));
        item(out, "again", &format!("osmem replay {script} --lib {lib}"), usize::MAX)?;
        item(out, "keep", &format!("osmem replay {script} --add NAME"), usize::MAX)?;
    }
    Ok(())
}

/// How a finding shows, which rule it breaks, and why.
pub fn details(out: &mut impl Write, found: &Reproducer, width: usize) -> io::Result<()> {
    if let Some(also) = &found.also {
        item(out, "also", &format!("before it was shortened: {also}"), width)?;
    }
    if let Some(words) = &found.words {
        item(out, "output", words, width)?;
    }
    if let Some(difference) = &found.difference {
        table(out, difference, width)?;
        let text = format!("{} {}. {}", difference.rule, difference.rule.name(), difference.sentence);
        item(out, "rule", &text, width)?;
    }
    causes(out, &found.causes, "cause", width)
}

fn block(out: &mut impl Write, title: &str, text: &str) -> io::Result<()> {
    writeln!(out, "\n{}", styled(BOLD, title))?;
    text.lines().try_for_each(|line| if line.is_empty() { writeln!(out) } else { writeln!(out, "    {line}") })
}
