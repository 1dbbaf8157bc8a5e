//! Mistakes with the memory that the system gives: preallocation, growth, mappings, refusal (R4, R7, R9, R15, R16).

use super::{Hypothesis, Numbers, counting, other};
use crate::call::{Address, Function, NULL, System};
use crate::cx::Cx;
use crate::heap::{Block, Heap, Status};
use crate::params::LARGEST;
use crate::rules::{Patch, Rules};
use crate::run::{Check, End, Trouble};

pub const ALL: &[Hypothesis] = &[
    other("no-preallocation", &NoPreallocation),
    counting("preallocation-wrong-size", Numbers::SeenPreallocation),
    other("preallocation-too-early", &PreallocatesForMapped),
    other("preallocation-too-early", &PreallocatesForZero),
    other("preallocation-too-early", &PreallocatesAtLoad),
    other("preallocation-repeated", &PreallocatesAgain),
    other("preallocation-repeated", &PreallocatesInsteadOfExtending),
    other("preallocation-not-split", &FirstTakesAll),
    other("last-block-not-extended", &NeverExtends),
    other("last-block-extended-too-much", &ExtendsByNeed),
    other("last-block-extended-too-much", &ExtendsBySize),
    other("several-break-moves", &TwoMoves),
    other("growth-rounded", &GrowsInPages),
    other("growth-forgets-header", &GrowthForgetsHeader),
    other("foreign-break-ignored", &BreakIsItsOwn),
    other("foreign-break-not-aligned", &BreakIsAligned),
    other("mapping-rounded", &MapsWholePages),
    other("mapping-wrong-kind", &MapsShared),
    other("uses-mremap", &Remaps),
    other("refusal-unchecked", &BreakUnchecked),
    other("refusal-unchecked", &MappingUnchecked),
    other("refusal-changes-the-heap", &ClaimsBeforeAsking),
    other("refusal-changes-the-heap", &TakesBeforeAsking),
    other("refusal-changes-the-heap", &TakesBeforeAskingIn::Calloc),
    other("refusal-changes-the-heap", &TakesBeforeAskingIn::Move),
    other("refusal-changes-the-heap", &AbsorbsBeforeMapping),
    other("refusal-frees-the-block", &RefusedFrees),
];

struct NoPreallocation;

impl Patch for NoPreallocation {
    fn preallocate(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> bool {
        next.top().append(cx, size).is_some()
    }
}

struct PreallocatesForMapped;

impl Patch for PreallocatesForMapped {
    fn allocate(&self, next: Rules<'_>, cx: &mut Cx<'_>, function: Function, size: u64) -> Address {
        if cx.heap.blocks.is_empty() && size <= LARGEST {
            next.top().preallocate(cx, size);
        }
        next.allocate(cx, function, size)
    }
}

struct PreallocatesForZero;

impl Patch for PreallocatesForZero {
    fn malloc(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Address {
        if size == 0 && cx.heap.blocks.is_empty() {
            next.top().preallocate(cx, size);
        }
        next.malloc(cx, size)
    }
}

/// The heap is there before the first call.
struct PreallocatesAtLoad;

impl Patch for PreallocatesAtLoad {
    fn load(&self, next: Rules<'_>, cx: &mut Cx<'_>) {
        next.top().preallocate(cx, 0);
    }
}

struct PreallocatesAgain;

impl Patch for PreallocatesAgain {
    fn grow(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        match cx.heap.last() {
            Some(last) if cx.heap.is_free(last) && cx.heap.at_break(last) => next.grow(cx, size),
            _ => next.top().append(cx, cx.heap.params.preallocation.saturating_sub(cx.heap.params.header)),
        }
    }
}

struct PreallocatesInsteadOfExtending;

impl Patch for PreallocatesInsteadOfExtending {
    fn grow(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        next.top().append(cx, size.max(cx.heap.params.preallocation.saturating_sub(cx.heap.params.header)))
    }
}

struct FirstTakesAll;

impl Patch for FirstTakesAll {
    fn split(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        if cx.heap.blocks.len() > 1 {
            next.split(cx, index, size);
        }
    }
}

struct NeverExtends;

impl Patch for NeverExtends {
    fn grow(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        next.top().append(cx, size)
    }
}

/// Extends the free last block by `more` bytes beyond what it has.
fn grow_last(rules: Rules<'_>, cx: &mut Cx<'_>, size: u64, more: u64) -> Option<usize> {
    match cx.heap.last() {
        Some(last) if cx.heap.is_free(last) && cx.heap.at_break(last) => {
            let size = cx.heap.blocks[last].size + more;
            rules.extend(cx, last, size).then_some(last)
        }
        _ => rules.append(cx, size),
    }
}

struct ExtendsByNeed;

impl Patch for ExtendsByNeed {
    fn grow(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        grow_last(next.top(), cx, size, cx.heap.params.header + size)
    }
}

struct ExtendsBySize;

impl Patch for ExtendsBySize {
    fn grow(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        grow_last(next.top(), cx, size, size)
    }
}

struct TwoMoves;

impl Patch for TwoMoves {
    fn append(&self, _next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let start = cx.heap.brk.next_multiple_of(cx.heap.params.alignment);
        let header = start - cx.heap.brk + cx.heap.params.header;
        let moved = cx.move_break(header.cast_signed()) && cx.move_break(size.cast_signed());
        moved.then(|| cx.push_block(start, size))
    }
}

struct GrowsInPages;

impl Patch for GrowsInPages {
    fn grow(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        match cx.heap.last() {
            Some(last) if cx.heap.is_free(last) && cx.heap.at_break(last) => next.grow(cx, size),
            _ => {
                let params = cx.heap.params;
                next.top().append(cx, (params.header + size).next_multiple_of(params.page) - params.header)
            }
        }
    }
}

struct GrowthForgetsHeader;

impl Patch for GrowthForgetsHeader {
    fn append(&self, _next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let start = cx.heap.brk.next_multiple_of(cx.heap.params.alignment);
        if cx.heap.last().is_some_and(|last| cx.heap.brk < cx.heap.end(last)) {
            return None;
        }
        let by = start - cx.heap.brk + size;
        cx.move_break(by.cast_signed()).then(|| cx.push_block(start, size))
    }
}

struct BreakIsItsOwn;

impl Patch for BreakIsItsOwn {
    fn can_extend(&self, _next: Rules<'_>, cx: &Cx<'_>, index: usize) -> bool {
        Some(index) == cx.heap.last()
    }

    fn extend(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) -> bool {
        cx.heap.memo.corrupted |= !cx.heap.at_break(index);
        next.extend(cx, index, size)
    }

    fn excuses(&self, trouble: &Trouble<'_>, _heap: &Heap) -> bool {
        *trouble.end == End::Check(Check::ForeignWritten)
    }
}

struct BreakIsAligned;

impl Patch for BreakIsAligned {
    fn append(&self, _next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let start = cx.heap.brk;
        let by = cx.heap.params.header + size;
        cx.move_break(by.cast_signed()).then(|| cx.push_block(start, size))
    }
}

struct MapsWholePages;

impl Patch for MapsWholePages {
    fn map(&self, _next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Address {
        let params = cx.heap.params;
        let Some(start) = cx.map((params.header + size).next_multiple_of(params.page)) else { return NULL };
        cx.heap.mappings.push(Block { start, size, status: Status::Alloc });
        start + params.header
    }

    fn release_mapping(&self, _next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        let Block { start, size, .. } = cx.heap.mappings.remove(index);
        cx.unmap(start, (cx.heap.params.header + size).next_multiple_of(cx.heap.params.page));
    }
}

struct MapsShared;

impl Patch for MapsShared {
    fn map(&self, _next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Address {
        let Some(start) = cx.map_as(cx.heap.params.header + size, false) else { return NULL };
        cx.heap.mappings.push(Block { start, size, status: Status::Alloc });
        start + cx.heap.params.header
    }
}

struct Remaps;

impl Patch for Remaps {
    fn resize_mapping(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
        let size = next.top().align(cx, bytes);
        if size == cx.heap.mappings[index].size || !next.top().is_mapped(cx, Function::Realloc, bytes) {
            return next.resize_mapping(cx, index, bytes);
        }
        let start = cx.heap.mappings[index].start;
        let Some(to) = cx.remap(start, cx.heap.params.header + size) else { return NULL };
        cx.heap.mappings[index] = Block { start: to, size, status: Status::Alloc };
        to + cx.heap.params.header
    }
}

/// Enlarges a block, whether or not the system grants what it lacks. Returns whether it did.
fn claim(next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) -> bool {
    let granted = next.extend(cx, index, size);
    cx.heap.memo.corrupted |= !granted;
    cx.heap.blocks[index].size = size;
    granted
}

struct BreakUnchecked;

impl Patch for BreakUnchecked {
    fn append(&self, _next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let start = cx.heap.brk.next_multiple_of(cx.heap.params.alignment);
        let by = start - cx.heap.brk + cx.heap.params.header + size;
        let granted = cx.move_break(by.cast_signed());
        cx.heap.memo.corrupted |= !granted;
        Some(cx.push_block(start, size))
    }

    fn extend(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) -> bool {
        claim(next, cx, index, size);
        true
    }
}

struct MappingUnchecked;

impl Patch for MappingUnchecked {
    fn excuses(&self, trouble: &Trouble<'_>, _heap: &Heap) -> bool {
        let refused = |event: &System| matches!(event, System::Map { start: None, .. });
        trouble.inside && matches!(trouble.end, End::Crash(_)) && trouble.asked.iter().any(refused)
    }
}

struct ClaimsBeforeAsking;

impl Patch for ClaimsBeforeAsking {
    fn extend(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) -> bool {
        claim(next, cx, index, size)
    }
}

/// Marks the free last block as used before the break moves.
struct TakesBeforeAsking;

impl Patch for TakesBeforeAsking {
    fn extend(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) -> bool {
        cx.heap.blocks[index].status = Status::Alloc;
        next.extend(cx, index, size)
    }
}

/// One function alone does so.
enum TakesBeforeAskingIn {
    /// `os_calloc`.
    Calloc,
    /// `os_realloc`, where a block moves.
    Move,
}

impl Patch for TakesBeforeAskingIn {
    fn calloc(&self, next: Rules<'_>, cx: &mut Cx<'_>, nmemb: u64, size: u64) -> Address {
        cx.heap.memo.in_calloc = true;
        let payload = next.calloc(cx, nmemb, size);
        cx.heap.memo.in_calloc = false;
        payload
    }

    fn relocate(&self, next: Rules<'_>, cx: &mut Cx<'_>, payload: Address, bytes: u64) -> Address {
        cx.heap.memo.in_move = true;
        let new = next.relocate(cx, payload, bytes);
        cx.heap.memo.in_move = false;
        new
    }

    fn extend(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) -> bool {
        let inside = match self {
            Self::Calloc => cx.heap.memo.in_calloc,
            Self::Move => cx.heap.memo.in_move,
        };
        if inside { TakesBeforeAsking.extend(next, cx, index, size) } else { next.extend(cx, index, size) }
    }
}

/// Absorbs what is free behind a block although it then moves to a mapping, which shows only where that is refused.
struct AbsorbsBeforeMapping;

impl Patch for AbsorbsBeforeMapping {
    fn heap_to_mapping(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
        // Each join takes one block away, or none where another mistake prevents it.
        for _ in index..cx.heap.blocks.len() {
            if next.top().next_is_free(cx.heap, index) {
                next.top().join(cx.heap, index);
            }
        }
        next.heap_to_mapping(cx, index, bytes)
    }
}

struct RefusedFrees;

impl Patch for RefusedFrees {
    fn relocate(&self, next: Rules<'_>, cx: &mut Cx<'_>, payload: Address, bytes: u64) -> Address {
        let new = next.relocate(cx, payload, bytes);
        if let (NULL, Some(found)) = (new, cx.heap.find(payload)) {
            next.top().release(cx, found);
            cx.heap.memo.corrupted = true;
        }
        new
    }
}
