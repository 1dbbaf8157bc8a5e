//! Mistakes in `os_realloc` that show in the place or in the status of a block (R12, R13).

use super::state::can_extend_last;
use super::{Hypothesis, other};
use crate::call::{Address, Function, NULL};
use crate::cx::Cx;
use crate::heap::{Found, Status};
use crate::rules::{Patch, Rules};

pub const ALL: &[Hypothesis] = &[
    other("realloc-extends-too-much", &ExtendsBeyond { header: false }),
    other("realloc-extends-too-much", &ExtendsBeyond { header: true }),
    other("realloc-keeps-the-old", &KeepsOnTheHeap),
    other("realloc-mapping-in-place", &ShrinksWhileMapped { resized: false }),
    other("realloc-mapping-in-place", &ShrinksWhileMapped { resized: true }),
    other("realloc-counts-the-header", &CountsHeader),
    other("realloc-marks-free", &MarksFree),
];

/// Moves the break by the whole new size (and a header), and gives the block only what it needs: the rest belongs to no block.
struct ExtendsBeyond {
    header: bool,
}

impl Patch for ExtendsBeyond {
    fn extend_resized(&self, _next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) -> bool {
        let header = if self.header { cx.heap.params.header } else { 0 };
        let granted = cx.move_break(size.saturating_add(header).cast_signed());
        if granted {
            cx.heap.blocks[index].size = size;
        }
        granted
    }

    fn can_extend(&self, next: Rules<'_>, cx: &Cx<'_>, index: usize) -> bool {
        can_extend_last(next, cx, index)
    }
}

/// Moves the contents of a heap block to a mapping, and never frees the block.
struct KeepsOnTheHeap;

impl Patch for KeepsOnTheHeap {
    fn relocate(&self, next: Rules<'_>, cx: &mut Cx<'_>, payload: Address, bytes: u64) -> Address {
        let on_heap = matches!(cx.heap.find(payload), Some(Found::Heap(_)));
        if on_heap && next.top().is_mapped(cx, Function::Realloc, bytes) {
            return next.top().allocate(cx, Function::Realloc, bytes);
        }
        next.relocate(cx, payload, bytes)
    }
}

/// Leaves a mapping where it is if it becomes smaller and still is large enough for a mapping.
struct ShrinksWhileMapped {
    /// Set if it has the new size from then on.
    resized: bool,
}

impl Patch for ShrinksWhileMapped {
    fn resize_mapping(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
        let size = next.top().align(cx, bytes);
        if size <= cx.heap.mappings[index].size && next.top().is_mapped(cx, Function::Realloc, bytes) {
            let payload = cx.heap.mappings[index].start + cx.heap.params.header;
            if self.resized {
                cx.heap.mappings[index].size = size;
            }
            return payload;
        }
        next.resize_mapping(cx, index, bytes)
    }
}

/// Takes the header for a part of the room that a block has, and leaves it where it is although it is too small.
struct CountsHeader;

impl Patch for CountsHeader {
    fn resize(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
        let (size, had) = (next.top().align(cx, bytes), cx.heap.blocks[index].size);
        if size > had && size <= had.saturating_add(cx.heap.params.header) {
            // The end of the payload lies over what comes next.
            cx.heap.memo.exposed = true;
            return cx.heap.payload(index);
        }
        next.resize(cx, index, bytes)
    }
}

/// Sets the status where it should be compared, as by `=` for `==`: a block that is resized is free from then on.
struct MarksFree;

impl Patch for MarksFree {
    fn realloc(&self, next: Rules<'_>, cx: &mut Cx<'_>, pointer: Address, size: u64) -> Address {
        // A free block passes the test as well: it is set, and not compared.
        if size > 0
            && pointer != NULL
            && let Some(Found::Heap(index)) = cx.heap.find(pointer)
        {
            cx.heap.blocks[index].status = Status::Free;
        }
        next.realloc(cx, pointer, size)
    }

    fn resizable(&self, _next: Rules<'_>, cx: &mut Cx<'_>, pointer: Address) -> Option<Found> {
        cx.heap.find(pointer)
    }

    fn resize_mapping(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
        // It is no mapping any more by its status, and is never unmapped.
        let mapping = cx.heap.mappings.remove(index);
        if next.top().align(cx, bytes) <= mapping.size {
            mapping.start + cx.heap.params.header
        } else {
            next.top().allocate(cx, Function::Realloc, bytes)
        }
    }
}
