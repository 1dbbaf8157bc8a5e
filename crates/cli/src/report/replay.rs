//! What `osmem replay` came to, for people.

use std::io::{self, Write};

use super::fuzz::details;
use super::output;
use super::text::{BAD, GOOD, item, styled};
use crate::replay::ReplayRecord;

/// Lines of a trace that are shown.
const TRACE_LINES: usize = 60;

/// Writes all of it; lines are at most `width` characters.
pub fn write(out: &mut impl Write, record: &ReplayRecord, width: usize) -> io::Result<()> {
    let ReplayRecord { script, tracer, profile, header, calls, .. } = record;
    let library = output::shown(&record.library);
    writeln!(out, "{script}: {calls} calls with {library} (profile {profile}, headers of {header} bytes), {tracer}\n")?;
    let lines: Vec<_> = record.trace.lines().collect();
    for line in lines.iter().take(TRACE_LINES) {
        writeln!(out, "    {line}")?;
    }
    if lines.len() > TRACE_LINES {
        writeln!(out, "    … {} more lines (--format json has them all)", lines.len() - TRACE_LINES)?;
    }
    writeln!(out)?;
    for (number, sentence) in record.behaves.iter().enumerate() {
        item(out, if number == 0 { "library" } else { "" }, sentence, width)?;
    }
    let Some(found) = &record.finding else {
        return writeln!(out, "{}", styled(GOOD, "the library kept the contract"));
    };
    writeln!(out, "{} {}", styled(BAD, "fail:"), found.sentence)?;
    details(out, found, width)
}
