//! Mistakes that leave the state wrong and show some calls later (R4 to R8, R12).

use super::{Hypothesis, other};
use crate::call::{Address, NULL};
use crate::cx::Cx;
use crate::heap::{Block, Found, Heap, Status};
use crate::params::HEAP;
use crate::rules::{Patch, Rules};

pub const ALL: &[Hypothesis] = &[
    other("extended-block-stays-free", &GrownStaysFree),
    other("extended-block-stays-free", &ResizedStaysFree(Growth::Break)),
    other("extended-block-stays-free", &ResizedStaysFree(Growth::Absorbing)),
    other("extended-block-stays-free", &ResizedStaysFree(Growth::Both)),
    other("coalesces-only-in-free", &MergesInFree(false)),
    other("coalesces-only-in-free", &MergesInFree(true)),
    other("freed-mapping-reused", &MappingStaysListed),
    other("preallocation-rest-wrong", &RestOfPreallocation(1)),
    other("preallocation-rest-wrong", &RestOfPreallocation(-1)),
    other("preallocation-rest-wrong", &FirstBlockTooLarge),
    other("split-leaves-a-hole", &LeavesHole(false)),
    other("split-leaves-a-hole", &LeavesHole(true)),
    other("preallocation-not-split", &FirstRequestTakesAll),
    other("break-absolute", &BreakAbsolute),
    other("split-size-set-late", &SizeSetLate),
    other("mapping-in-the-list", &MappingInList),
];

/// Extends the free last block for a request and forgets to mark it.
struct GrownStaysFree;

impl Patch for GrownStaysFree {
    fn take(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let (brk, blocks) = (cx.heap.brk, cx.heap.blocks.len());
        let index = next.take(cx, size)?;
        let merged_before = cx.heap.blocks.len() <= blocks;
        if blocks > 0
            && merged_before
            && cx.heap.brk > brk
            && Some(index) == cx.heap.last()
            && extended(cx.heap, index, brk)
        {
            cx.heap.blocks[index].status = Status::Free;
        }
        Some(index)
    }
}

/// Whether a block lay below the break before it moved.
fn extended(heap: &Heap, index: usize, brk: Address) -> bool {
    heap.blocks[index].start < brk
}

/// How `os_realloc` enlarges a block in its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Growth {
    /// The last block, by a move of the break.
    Break,
    /// By the free blocks behind.
    Absorbing,
    /// By the free blocks behind, and then by a move of the break.
    Both,
}

/// `os_realloc` enlarges a block in one of the ways, and marks it free.
struct ResizedStaysFree(Growth);

impl Patch for ResizedStaysFree {
    fn resize(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
        let (payload, brk, had) = (cx.heap.payload(index), cx.heap.brk, cx.heap.blocks[index].size);
        let blocks = cx.heap.blocks.len();
        let new = next.resize(cx, index, bytes);
        if new == payload
            && let Some(Found::Heap(index)) = cx.heap.find(payload)
        {
            let grown = cx.heap.blocks[index].size > had;
            let growth = match (cx.heap.brk > brk, cx.heap.blocks.len() < blocks) {
                (true, false) => Growth::Break,
                (true, true) => Growth::Both,
                (false, _) => Growth::Absorbing,
            };
            if grown && growth == self.0 {
                cx.heap.blocks[index].status = Status::Free;
            }
        }
        new
    }
}

/// Merges in `os_free` alone: all adjacent free blocks of the heap, or with the flag the freed block and its neighbours.
struct MergesInFree(bool);

impl Patch for MergesInFree {
    fn before_search(&self, _next: Rules<'_>, _cx: &mut Cx<'_>) {}

    fn release_block(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        next.release_block(cx, index);
        let rules = next.top();
        if !self.0 {
            rules.merge(cx.heap);
            return;
        }
        let free_before = |heap: &Heap, index: usize| {
            index.checked_sub(1).filter(|before| heap.is_free(*before) && rules.next_is_free(heap, *before))
        };
        if !cx.heap.is_free(index) {
            return;
        }
        if rules.next_is_free(cx.heap, index) {
            rules.join(cx.heap, index);
        }
        if let Some(before) = free_before(cx.heap, index) {
            rules.join(cx.heap, before);
        }
    }
}

/// Leaves a freed mapping among the blocks that a search looks at, where it is given again although it is unmapped.
struct MappingStaysListed;

impl Patch for MappingStaysListed {
    fn release_mapping(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        let Block { start, size, .. } = cx.heap.mappings[index];
        next.release_mapping(cx, index);
        cx.heap.memo.listed = Some((start, size));
    }

    fn choose(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let found = next.choose(cx, size);
        let fits = cx.heap.memo.listed.is_some_and(|(_, listed)| listed >= size);
        if fits
            && found.is_none_or(|index| cx.heap.memo.listed.is_some_and(|(_, size)| cx.heap.blocks[index].size > size))
        {
            cx.heap.memo.corrupted = true;
        }
        found
    }
}

/// The rest of the preallocation after the first request is off by a number of headers.
struct RestOfPreallocation(i64);

impl Patch for RestOfPreallocation {
    fn take(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let first = cx.heap.blocks.is_empty();
        let index = next.take(cx, size)?;
        note_overrun(cx, index);
        let header = cx.heap.params.header.cast_signed();
        if first && let Some(rest) = cx.heap.last().filter(|last| *last > index && cx.heap.is_free(*last)) {
            let size = cx.heap.blocks[rest].size.saturating_add_signed(self.0 * header);
            cx.heap.blocks[rest].size = size;
        }
        Some(index)
    }

    fn can_extend(&self, next: Rules<'_>, cx: &Cx<'_>, index: usize) -> bool {
        // Such an allocator does not know that its last block ends elsewhere than at the break.
        can_extend_last(next, cx, index)
    }

    fn append(&self, _next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        append_at_break(cx, size)
    }
}

/// The preallocated block counts its header as payload.
struct FirstBlockTooLarge;

impl Patch for FirstBlockTooLarge {
    fn preallocate(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> bool {
        let done = next.preallocate(cx, size);
        if done && let Some(first) = cx.heap.blocks.first_mut() {
            first.size += cx.heap.params.header;
        }
        done
    }

    fn take(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let index = next.take(cx, size)?;
        note_overrun(cx, index);
        Some(index)
    }

    fn split(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        next.split(cx, index, size);
        note_overrun(cx, index);
    }

    fn can_extend(&self, next: Rules<'_>, cx: &Cx<'_>, index: usize) -> bool {
        can_extend_last(next, cx, index)
    }

    fn append(&self, _next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        append_at_break(cx, size)
    }
}

/// Adds a block at the break, although the last one seems to reach beyond it.
fn append_at_break(cx: &mut Cx<'_>, size: u64) -> Option<usize> {
    let start = cx.heap.brk.next_multiple_of(cx.heap.params.alignment);
    let by = start - cx.heap.brk + cx.heap.params.header + size;
    cx.move_break(by.cast_signed()).then(|| cx.push_block(start, size))
}

/// Notes that a block, or the header of the last one, reaches beyond the break, where nothing may be written.
fn note_overrun(cx: &mut Cx<'_>, index: usize) {
    let last = cx.heap.last().map_or(0, |last| cx.heap.payload(last));
    cx.heap.memo.overrun |= cx.heap.end(index).max(last) > cx.heap.brk;
}

/// Takes a block, and notes in the meantime whether it is the first of all.
fn take_first(next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
    cx.heap.memo.first = cx.heap.blocks.is_empty();
    let index = next.take(cx, size);
    cx.heap.memo.first = false;
    index
}

/// Returns whether the block behind is free, by the order of the list alone, wherever it lies.
pub(super) fn next_in_list_is_free(heap: &Heap, index: usize) -> bool {
    index + 1 < heap.blocks.len() && heap.is_free(index + 1)
}

/// Returns whether a block can grow by the break, or is the last one although it does not end there.
pub(super) fn can_extend_last(next: Rules<'_>, cx: &Cx<'_>, index: usize) -> bool {
    next.can_extend(cx, index) || Some(index) == cx.heap.last()
}

/// The first request takes the whole preallocation; blocks that come to be alone later are split.
struct FirstRequestTakesAll;

impl Patch for FirstRequestTakesAll {
    fn take(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        take_first(next, cx, size)
    }

    fn split(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        if !cx.heap.memo.first {
            next.split(cx, index, size);
        }
    }
}

/// A header's length lies unused between a block and the rest that is split off, or with the flag that of the first split alone.
struct LeavesHole(bool);

impl Patch for LeavesHole {
    fn take(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        take_first(next, cx, size)
    }

    fn split(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        let (before, had) = (cx.heap.blocks.len(), cx.heap.blocks[index].size);
        let header = cx.heap.params.header;
        next.split(cx, index, size);
        if cx.heap.blocks.len() > before && had > size + 2 * header && (cx.heap.memo.first || !self.0) {
            let rest = &mut cx.heap.blocks[index + 1];
            rest.start += header;
            rest.size = rest.size.saturating_sub(header);
        }
    }

    fn next_is_free(&self, _next: Rules<'_>, heap: &Heap, index: usize) -> bool {
        next_in_list_is_free(heap, index)
    }

    fn can_extend(&self, next: Rules<'_>, cx: &Cx<'_>, index: usize) -> bool {
        can_extend_last(next, cx, index)
    }
}

/// Passes an address where a number of bytes is wanted, or the other way round, so that no move of the break is granted.
struct BreakAbsolute;

impl Patch for BreakAbsolute {
    fn append(&self, _next: Rules<'_>, cx: &mut Cx<'_>, _size: u64) -> Option<usize> {
        let nowhere = (HEAP - 1).cast_signed() - cx.heap.brk.cast_signed();
        cx.move_break(nowhere);
        None
    }
}

/// The size of the rest is computed when the block already has its new size, and wraps around.
struct SizeSetLate;

/// Stands for a size just below 2^64 bytes.
const WRAPPED: u64 = 1 << 60;

impl Patch for SizeSetLate {
    fn split(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        let before = cx.heap.blocks.len();
        next.split(cx, index, size);
        if cx.heap.blocks.len() > before {
            cx.heap.blocks[index + 1].size = WRAPPED;
        }
    }
}

/// Mappings stand in the list of the heap's blocks, behind the block that was the last one.
struct MappingInList;

impl MappingInList {
    fn is_cut(heap: &Heap, index: usize) -> bool {
        let start = heap.blocks[index].start;
        heap.memo.behind.iter().any(|(_, block)| *block == start)
    }
}

impl Patch for MappingInList {
    fn map(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Address {
        let payload = next.map(cx, size);
        if payload != NULL
            && let Some(last) = cx.heap.blocks.last()
        {
            let mark = (payload - cx.heap.params.header, last.start);
            cx.heap.memo.behind.push(mark);
        }
        payload
    }

    fn release_mapping(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        let start = cx.heap.mappings[index].start;
        cx.heap.memo.behind.retain(|(mapping, _)| *mapping != start);
        next.release_mapping(cx, index);
    }

    fn split(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        let (before, start) = (cx.heap.blocks.len(), cx.heap.blocks[index].start);
        next.split(cx, index, size);
        if cx.heap.blocks.len() > before {
            let rest = cx.heap.blocks[index + 1].start;
            let marks = cx.heap.memo.behind.iter_mut().filter(|(_, block)| *block == start);
            marks.for_each(|(_, block)| *block = rest);
        }
    }

    fn next_is_free(&self, next: Rules<'_>, heap: &Heap, index: usize) -> bool {
        !Self::is_cut(heap, index) && next.next_is_free(heap, index)
    }

    fn can_extend(&self, next: Rules<'_>, cx: &Cx<'_>, index: usize) -> bool {
        !Self::is_cut(cx.heap, index) && next.can_extend(cx, index)
    }
}
