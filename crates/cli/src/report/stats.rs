//! The figures of `osmem stats`, for people.

use std::io::{self, Write};

use super::output;
use super::text::{BAD, BOLD, item, styled};
use crate::stats::StatsRecord;
use crate::stats::figures::{Figures, Leak, Misuse, MisuseKind, Point};

/// Leaks and misuses that are told one by one.
const MOST: usize = 8;
/// Columns of a curve's name and of what stands behind it.
const BESIDE: usize = 36;

/// Writes all of it; lines are at most `width` characters.
pub fn write(out: &mut impl Write, record: &StatsRecord, width: usize) -> io::Result<()> {
    let StatsRecord { name, library, tracer, header, figures, speed, notes, .. } = record;
    let with = library.as_ref().map_or_else(String::new, |library| format!(" with {}", output::shown(library)));
    let by = tracer.as_ref().map_or_else(String::new, |tracer| format!(", {tracer}"));
    writeln!(out, "{name}: {} calls{with}, headers of {header} bytes{by}\n", number(figures.calls.total))?;
    calls(out, figures, width)?;
    item(out, "payload", &format!("at most {} bytes at a time", number(figures.peak_payload)), width)?;
    item(out, "heap", &format!("at most {} bytes, mappings included", number(figures.peak_heap)), width)?;
    let used = match figures.utilisation {
        Some(used) => format!("{} utilisation: the peak of the payload by that of the heap", percent(used)),
        None => "no memory was taken".to_owned(),
    };
    item(out, "use", &used, width)?;
    let lost = format!(
        "{} of the blocks at the peak (internal), at most {} of the free memory outside its largest piece (external)",
        percent(figures.internal_at_peak),
        percent(figures.external_highest)
    );
    item(out, "lost", &lost, width)?;
    if let Some(speed) = speed {
        let told = format!(
            "{} calls a second; the C library's malloc {}: ratio {:.2}",
            rate(speed.calls_per_second),
            rate(speed.c_calls_per_second),
            speed.ratio
        );
        item(out, "speed", &told, width)?;
    }
    plot(out, figures, width)?;
    leaks(out, figures, width)?;
    misuse(out, &figures.misuse, width)?;
    notes.iter().try_for_each(|note| item(out, "note", note, width))
}

/// Returns the figures in a line.
pub fn headline(record: &StatsRecord) -> String {
    let figures = &record.figures;
    let used = figures.utilisation.map_or_else(String::new, |used| format!(", utilisation {}", percent(used)));
    let leaked = figures.leaks.len();
    format!(
        "{} calls, {} system calls; peak payload {}, peak heap {} bytes{used}; {leaked} blocks alive at the end",
        number(figures.calls.total),
        number(figures.system.total),
        number(figures.peak_payload),
        number(figures.peak_heap)
    )
}

/// Returns a number with a blank between its thousands.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Returns a part of 1 as per cent.
pub fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

/// Returns a number of calls a second.
pub fn rate(rate: f64) -> String {
    if rate >= 1e6 { format!("{:.1} million", rate / 1e6) } else { format!("{rate:.0}") }
}

fn calls(out: &mut impl Write, figures: &Figures, width: usize) -> io::Result<()> {
    let calls = &figures.calls;
    let refused = if calls.refused > 0 { format!("; {} got no memory", number(calls.refused)) } else { String::new() };
    let [malloc, calloc, realloc, free] = [calls.malloc, calls.calloc, calls.realloc, calls.free].map(number);
    let told = format!("{malloc} malloc, {calloc} calloc, {realloc} realloc, {free} free{refused}");
    item(out, "calls", &told, width)?;
    let system = &figures.system;
    let [total, brk, mmap, munmap, other] =
        [system.total, system.brk, system.mmap, system.munmap, system.other].map(number);
    item(out, "system", &format!("{total}: {brk} brk, {mmap} mmap, {munmap} munmap, {other} others"), width)
}

/// A line of the plot: its name, the value at full height, what stands behind it, the value of a point.
type Bars = (&'static str, f64, String, fn(&Point) -> f64);

/// Writes the figures over the calls: a line for each.
fn plot(out: &mut impl Write, figures: &Figures, width: usize) -> io::Result<()> {
    let Some(last) = figures.curve.last() else { return Ok(()) };
    writeln!(out, "\n  {}", styled(BOLD, format_args!("calls 1 to {}", number(last.call))))?;
    let columns = width.saturating_sub(BESIDE).clamp(8, 120);
    let peak = figures.peak_heap.max(figures.peak_payload) as f64;
    let rows: [Bars; 4] = [
        ("payload", peak, format!("at most {}", number(figures.peak_payload)), |point| point.payload as f64),
        ("heap", peak, format!("at most {}", number(figures.peak_heap)), |point| point.heap as f64),
        ("internal", 1.0, "full height: 100 %".to_owned(), |point| point.internal),
        ("external", 1.0, "full height: 100 %".to_owned(), |point| point.external),
    ];
    for (name, top, told, value) in rows {
        let bars = bars(&figures.curve, columns, top, value, output::is_unicode());
        writeln!(out, "  {name:9} {bars} {told}")?;
    }
    writeln!(out)
}

/// Returns a bar for each column: the highest value of its calls.
fn bars(curve: &[Point], columns: usize, top: f64, value: fn(&Point) -> f64, unicode: bool) -> String {
    let levels: Vec<char> = if unicode { " ▁▂▃▄▅▆▇█" } else { " .:-=+*#@" }.chars().collect();
    let columns = columns.min(curve.len());
    let bar = |column: usize| {
        let points = &curve[column * curve.len() / columns..(column + 1) * curve.len() / columns];
        let highest = points.iter().map(value).fold(0.0, f64::max);
        let share = if top > 0.0 { (highest / top).clamp(0.0, 1.0) } else { 0.0 };
        // A value that is there shows.
        let level = (1..levels.len()).rev().find(|level| share * 8.0 >= *level as f64 - 0.5);
        levels[level.unwrap_or(usize::from(highest > 0.0))]
    };
    (0..columns).map(bar).collect()
}

fn at(line: Option<&String>) -> String {
    line.map_or_else(String::new, |line| format!(", {line}"))
}

fn leaks(out: &mut impl Write, figures: &Figures, width: usize) -> io::Result<()> {
    if figures.leaks.is_empty() {
        return item(out, "leaks", "none: every block was freed", width);
    }
    let count = figures.leaks.len();
    let plural = if count == 1 { "block" } else { "blocks" };
    let told = format!("{} {plural} of {} bytes alive at the end", number(count as u64), number(figures.leaked()));
    item(out, "leaks", &styled(BAD, told), usize::MAX)?;
    let mut largest: Vec<&Leak> = figures.leaks.iter().collect();
    largest.sort_by_key(|leak| (std::cmp::Reverse(leak.size), leak.call));
    for leak in largest.iter().take(MOST) {
        let told = format!("call {}: {}, {} bytes{}", leak.call, leak.text, number(leak.size), at(leak.line.as_ref()));
        item(out, "", &told, width)?;
    }
    more(out, count, width)
}

fn misuse(out: &mut impl Write, misuse: &[Misuse], width: usize) -> io::Result<()> {
    for (place, found) in misuse.iter().take(MOST).enumerate() {
        let what = match found.kind {
            MisuseKind::DoubleFree => "the block is freed already (double free)",
            MisuseKind::InvalidFree => "the pointer is no block's (invalid free)",
        };
        let told = format!("call {}: {}: {what}{}", found.call, found.text, at(found.line.as_ref()));
        item(out, if place == 0 { "misuse" } else { "" }, &told, width)?;
    }
    more(out, misuse.len(), width)
}

fn more(out: &mut impl Write, count: usize, width: usize) -> io::Result<()> {
    match count.saturating_sub(MOST) {
        0 => Ok(()),
        more => item(out, "", &format!("and {} more: --format json", number(more as u64)), width),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!([0, 12, 123, 1234, 1_234_567].map(number), ["0", "12", "123", "1 234", "1 234 567"]);
        assert_eq!([rate(999.4), rate(12_345_678.0), percent(0.123)], ["999", "12.3 million", "12.3 %"]);
    }

    #[test]
    fn bars_are_as_high_as_their_values() {
        let point = |call: u64| Point { call, payload: call - 1, ..Point::default() };
        let curve: Vec<Point> = (1..=9).map(point).collect();
        assert_eq!(bars(&curve, 9, 8.0, |point| point.payload as f64, true), " ▁▂▃▄▅▆▇█");
        assert_eq!(bars(&curve, 3, 8.0, |point| point.payload as f64, false), ":+@");
        assert_eq!(bars(&curve, 100, 0.0, |_| 0.0, true), "         ");
        assert_eq!(bars(&curve, 1, 1e6, |point| point.payload as f64, true), "▁");
    }
}
