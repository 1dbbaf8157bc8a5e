//! The traces of failing tests, as files to look at.

use std::fs;
use std::path::{Path, PathBuf};

use osmem_trace::Trace;
use osmem_trace::golden::{self, GoldenError};
use osmem_trace::model::Entry;

use crate::claim::Claim;
use crate::record::TestRecord;

/// Entries of a trace that are written; the longest test has a third of that.
const KEPT_ENTRIES: usize = 10_000;
/// System calls of one entry that are written.
const KEPT_EVENTS: usize = 1000;

/// Writes the trace of a failed test to `folder` and says where; of any other test, removes what an earlier failure left, so
/// that nobody reads a stale one. Without a folder nothing is kept.
pub fn keep(
    folder: Option<&Claim>,
    record: &TestRecord,
    library: &Path,
    trace: &Trace,
) -> Result<Option<PathBuf>, GoldenError> {
    let Some(folder) = folder else { return Ok(None) };
    if !record.outcome.is_failure() {
        // It is seldom there, and does no harm where it cannot be removed.
        drop(folder.to_clear().map(|folder| fs::remove_file(golden::path(folder, &record.name))));
        return Ok(None);
    }
    let path = golden::path(folder.to_write(), &record.name);
    let comment = format!("{}: seen with {}", record.name, library.display());
    match shortened(trace) {
        None => golden::write(&path, &comment, trace)?,
        Some(trace) => golden::write(&path, &format!("{comment}, shortened"), &trace)?,
    }
    Ok(Some(path))
}

/// The beginning of a trace that is too long to be read, as of a library that loops.
fn shortened(trace: &Trace) -> Option<Trace> {
    let too_long = |entry: &Entry| matches!(entry, Entry::Call(call) if call.events.len() > KEPT_EVENTS);
    if trace.entries.len() <= KEPT_ENTRIES && !trace.entries.iter().any(too_long) {
        return None;
    }
    let mut trace = trace.clone();
    trace.entries.truncate(KEPT_ENTRIES);
    for entry in &mut trace.entries {
        if let Entry::Call(call) = entry {
            call.events.truncate(KEPT_EVENTS);
        }
    }
    Some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_endless_traces_are_shortened() {
        let calls = |count: usize| "os_free(NULL)\n".repeat(count) + "exit 0\n";
        let events = |count: usize| format!("os_malloc(8) = NULL\n{}exit 0\n", "  madvise() = 0\n".repeat(count));
        for text in [calls(KEPT_ENTRIES), events(KEPT_EVENTS)] {
            assert_eq!(shortened(&text.parse().unwrap()), None);
        }
        assert_eq!(shortened(&calls(KEPT_ENTRIES + 9).parse().unwrap()), Some(calls(KEPT_ENTRIES).parse().unwrap()));
        assert_eq!(shortened(&events(KEPT_EVENTS + 9).parse().unwrap()), Some(events(KEPT_EVENTS).parse().unwrap()));
    }
}
