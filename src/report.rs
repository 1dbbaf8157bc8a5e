//! What is said on standard error, each in one line, by one write and without any memory.

use crate::alloc::{Misuse, Stats};
use crate::check::Broken;
use crate::line::Line;
use std::process;

/// Says which call was given which pointer, what that is, and the size of the block that it points into, if there is
/// one; then ends the process, if it `aborts`. Not under a lock: whoever is called at the end of a process may take and
/// free blocks.
#[cold]
pub(crate) fn misuse(call: &str, pointer: usize, (misuse, size): (Misuse, Option<usize>), aborts: bool) {
    let mut line = Line::new();
    line.text("osmem: ").text(call).text("(").hex(pointer).text("): ").text(misuse.words());
    if let Some(size) = size {
        line.text(" (a block of ").number(size).text(" bytes)");
    }
    line.text("\n");
    line.send();
    if aborts {
        process::abort();
    }
}

/// Says which invariant was found broken, and where.
#[cold]
pub(crate) fn broken(call: &str, broken: &Broken) {
    let mut line = Line::new();
    line.text("osmem: ").text(call).text("(): ").text(broken.invariant).text(" is broken at the block at ");
    line.hex(broken.block).text(": it ").text(broken.what).text("\n");
    line.send();
}

/// Says what a heap holds: the line of `OSMEM_STATS=1` and of `malloc_stats`. `heap` is what it is called.
#[cold]
pub fn figures(heap: &str, stats: &Stats) {
    let process = usize::try_from(process::id()).unwrap_or(0);
    let mut line = Line::new();
    line.text("osmem: process ").number(process).text(": ").text(heap);
    line.text(" of ").number(stats.heap_bytes).text(" bytes, ");
    line.number(stats.used_bytes).text(" in ").number(stats.used_blocks).text(" blocks in use, ");
    line.number(stats.free_bytes).text(" in ").number(stats.free_blocks).text(" blocks free, ");
    line.number(stats.top_bytes).text(" of them at the top; ");
    line.number(stats.mapped_bytes).text(" bytes in ").number(stats.mapped_blocks).text(" mappings\n");
    line.send();
}
