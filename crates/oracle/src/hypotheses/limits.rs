//! Limits by size or count, and functions that give up (R3, R5, R10, R12).

use super::{Hypothesis, other};
use crate::call::{Address, Function, NULL};
use crate::cx::Cx;
use crate::rules::{Patch, Rules};

pub const ALL: &[Hypothesis] = &[
    other("search-refuses-the-larger", &RefusesLarger(2)),
    other("search-refuses-the-larger", &RefusesLarger(4)),
    other("search-refuses-the-larger", &RefusesLarger(8)),
    other("one-function-gives-null", &GivesNull(Function::Malloc)),
    other("one-function-gives-null", &GivesNull(Function::Calloc)),
    other("one-function-gives-null", &GivesNull(Function::Realloc)),
    other("realloc-never-moves", &NeverMoves),
    other("threshold-unaligned", &ComparesUnaligned(Function::Malloc)),
    other("threshold-unaligned", &ComparesUnaligned(Function::Calloc)),
    other("threshold-unaligned", &ComparesUnaligned(Function::Realloc)),
    other("search-ends-early", &SearchEnds(16)),
    other("search-ends-early", &SearchEnds(32)),
    other("search-ends-early", &SearchEnds(64)),
    other("search-ends-early", &SearchEnds(100)),
    other("search-ends-early", &SearchEnds(128)),
];

/// Takes no block above this multiple of the request.
struct RefusesLarger(u64);

impl Patch for RefusesLarger {
    fn choose(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        next.choose(cx, size).filter(|index| {
            cx.heap.blocks[*index].size <= size.saturating_mul(self.0) || Some(*index) == cx.heap.last()
        })
    }
}

/// One function always gives NULL.
struct GivesNull(Function);

impl Patch for GivesNull {
    fn malloc(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Address {
        if self.0 == Function::Malloc { NULL } else { next.malloc(cx, size) }
    }

    fn calloc(&self, next: Rules<'_>, cx: &mut Cx<'_>, nmemb: u64, size: u64) -> Address {
        if self.0 == Function::Calloc { NULL } else { next.calloc(cx, nmemb, size) }
    }

    fn realloc(&self, next: Rules<'_>, cx: &mut Cx<'_>, pointer: Address, size: u64) -> Address {
        let resizes = self.0 == Function::Realloc && pointer != NULL && size > 0;
        if resizes { NULL } else { next.realloc(cx, pointer, size) }
    }
}

/// `os_realloc` gives NULL where a block would have to move.
struct NeverMoves;

impl Patch for NeverMoves {
    fn relocate(&self, _next: Rules<'_>, _cx: &mut Cx<'_>, _payload: Address, _bytes: u64) -> Address {
        NULL
    }
}

/// One function compares the size that was asked for, not rounded up to the alignment, with the threshold.
struct ComparesUnaligned(Function);

impl Patch for ComparesUnaligned {
    fn is_mapped(&self, next: Rules<'_>, cx: &mut Cx<'_>, function: Function, size: u64) -> bool {
        if function != self.0 {
            return next.is_mapped(cx, function, size);
        }
        let params = cx.heap.params;
        let threshold = if function == Function::Calloc { params.calloc_threshold } else { params.mmap_threshold };
        params.header.saturating_add(size) >= threshold
    }
}

/// The search looks at up to N blocks.
struct SearchEnds(usize);

impl Patch for SearchEnds {
    fn choose(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        if cx.heap.blocks.len() <= self.0 {
            return next.choose(cx, size);
        }
        let hidden = cx.heap.blocks.split_off(self.0);
        let found = next.choose(cx, size);
        cx.heap.blocks.extend(hidden);
        found
    }
}
