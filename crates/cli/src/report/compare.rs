//! Two libraries side by side, for people.

use std::io::{self, Write};

use super::columns;
use super::output;
use super::stats::{number, percent, rate};
use super::text::{BOLD, styled};
use crate::compare::{CompareRecord, Pair, Side};
use crate::record::Row;

/// Lines of calls that are shown, from the first that differs on.
const MOST_LINES: usize = 24;
/// Lines before the first one that differs.
const BEFORE: usize = 4;
/// Columns of a figure's name.
const NAME: usize = 24;

/// Writes all of it; lines are at most `width` characters.
pub fn write(out: &mut impl Write, record: &CompareRecord, width: usize) -> io::Result<()> {
    let [first, second] = &record.sides;
    writeln!(out, "{}, {}", record.name, record.tracer)?;
    writeln!(out, "  A  {}", output::shown(&first.library))?;
    writeln!(out, "  B  {}\n", output::shown(&second.library))?;
    writeln!(out, "  {}", styled(BOLD, format_args!("{:NAME$} {:>16} {:>16}", "", "A", "B")))?;
    for (name, value) in FIGURES {
        let (a, b) = (value(first), value(second));
        let mark = if a == b { ' ' } else { '~' };
        writeln!(out, "{mark} {name:NAME$} {a:>16} {b:>16}")?;
    }
    // It is never the same twice.
    let [a, b] =
        [first, second].map(|side| side.speed.map_or_else(|| "-".to_owned(), |speed| rate(speed.calls_per_second)));
    writeln!(out, "  {:NAME$} {a:>16} {b:>16}", "calls a second")?;
    calls(out, record, width)
}

/// A figure with its name.
type Figure = (&'static str, fn(&Side) -> String);

const FIGURES: [Figure; 13] = [
    ("calls", |side| number(side.figures.calls.total)),
    ("calls without memory", |side| number(side.figures.calls.refused)),
    ("system calls", |side| number(side.figures.system.total)),
    ("  brk", |side| number(side.figures.system.brk)),
    ("  mmap", |side| number(side.figures.system.mmap)),
    ("  munmap", |side| number(side.figures.system.munmap)),
    ("header, bytes", |side| number(side.header)),
    ("peak payload, bytes", |side| number(side.figures.peak_payload)),
    ("peak heap, bytes", |side| number(side.figures.peak_heap)),
    ("utilisation", |side| side.figures.utilisation.map_or_else(|| "-".to_owned(), percent)),
    ("internal fragmentation", |side| percent(side.figures.internal_at_peak)),
    ("external fragmentation", |side| percent(side.figures.external_highest)),
    ("blocks alive at the end", |side| number(side.figures.leaks.len() as u64)),
];

/// Writes the calls from the first that differs on.
fn calls(out: &mut impl Write, record: &CompareRecord, width: usize) -> io::Result<()> {
    let Some(first) = record.calls.iter().position(|pair| pair.differs) else {
        return match record.differing {
            0 => writeln!(out, "\nevery call gives the same address and makes the same system calls"),
            more => {
                writeln!(out, "\n{} calls differ, all behind the first {}", number(more as u64), record.calls.len())
            }
        };
    };
    let row = |pair: &Pair| {
        let mark = if pair.differs { '~' } else { ' ' };
        Row { mark, expected: pair.a.clone(), actual: pair.b.clone() }
    };
    let rows: Vec<Row> = record.calls.iter().skip(first.saturating_sub(BEFORE)).take(MOST_LINES).map(row).collect();
    writeln!(out, "\n{} calls differ; from the first one on:\n", number(record.differing as u64))?;
    let widths = columns::widths(&rows, width);
    writeln!(out, "{}", styled(BOLD, format_args!("    {:left$}   B", "A", left = widths.0)))?;
    for row in &rows {
        let cells = columns::cells(row, widths);
        let line = format!("  {} {}{}", row.mark, cells.expected, cells.actual);
        writeln!(out, "{}", line.trim_end())?;
    }
    if rows.len() == MOST_LINES {
        writeln!(out, "    … --format json has them all")?;
    }
    Ok(())
}
