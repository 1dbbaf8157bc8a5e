//! Mistakes with the search and with merging (R5).

use super::state::{can_extend_last, next_in_list_is_free};
use super::{Hypothesis, other};
use crate::cx::Cx;
use crate::heap::Heap;
use crate::rules::{Patch, Rules};

pub const ALL: &[Hypothesis] = &[
    other("first-fit", &FirstFit),
    other("last-fit", &LastFit),
    other("next-fit", &NextFit),
    other("worst-fit", &WorstFit),
    other("tie-broken-upwards", &TieUpwards),
    other("exact-fit-refused", &NeverExact),
    other("search-misses-first", &MissesFirst),
    other("search-misses-last", &MissesLast),
    other("search-misses-last", &MissesLastGrows),
    other("fit-counts-the-header", &CountsHeader),
    other("no-coalescing", &NoCoalescing),
    other("coalesces-forwards-only", &ForwardsOnly(false)),
    other("coalesces-forwards-only", &ForwardsOnly(true)),
    other("coalesces-backwards-only", &BackwardsOnly),
    other("coalesces-in-pairs", &InPairs),
    other("coalesces-in-pairs", &OneNeighbour),
    other("coalescing-misses-last", &MissesLastPair),
    other("coalesces-too-late", &TooLate),
    other("coalescing-loses-header", &LosesHeader(false)),
    other("coalescing-loses-header", &LosesHeader(true)),
    other("coalescing-too-long", &HeaderTwice),
    other("coalescing-leaves-absorbed", &LeavesAbsorbed),
    other("coalesces-across-a-gap", &AcrossGap),
];

struct FirstFit;

impl Patch for FirstFit {
    fn choose(&self, _next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        cx.heap.fitting(size).next()
    }
}

struct LastFit;

impl Patch for LastFit {
    fn choose(&self, _next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        cx.heap.fitting(size).next_back()
    }
}

/// The first that fits from where the last search ended, and then from the beginning.
struct NextFit;

impl Patch for NextFit {
    fn choose(&self, _next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let (heap, ended) = (&*cx.heap, cx.heap.memo.search_ended);
        let behind = heap.fitting(size).find(|index| heap.blocks[*index].start >= ended);
        let found = behind.or_else(|| heap.fitting(size).next())?;
        cx.heap.memo.search_ended = cx.heap.blocks[found].start;
        Some(found)
    }
}

struct WorstFit;

impl Patch for WorstFit {
    fn choose(&self, _next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let heap = &*cx.heap;
        heap.fitting(size).rev().max_by_key(|index| heap.blocks[*index].size)
    }
}

struct TieUpwards;

impl Patch for TieUpwards {
    fn choose(&self, _next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let heap = &*cx.heap;
        heap.fitting(size).rev().min_by_key(|index| heap.blocks[*index].size)
    }
}

/// Wants a block that is larger than the request.
struct NeverExact;

impl Patch for NeverExact {
    fn choose(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        next.choose(cx, size + 1)
    }
}

struct MissesFirst;

impl Patch for MissesFirst {
    fn choose(&self, _next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let heap = &*cx.heap;
        let seen = heap.fitting(size).filter(|index| *index > 0 || heap.blocks.len() == 1);
        seen.min_by_key(|index| heap.blocks[*index].size)
    }
}

/// The best fit of all blocks but the last.
fn before_last(heap: &Heap, size: u64) -> Option<usize> {
    heap.fitting(size).filter(|index| Some(*index) != heap.last()).min_by_key(|index| heap.blocks[*index].size)
}

struct MissesLast;

impl Patch for MissesLast {
    fn choose(&self, _next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let last = cx.heap.fitting(size).next_back().filter(|index| Some(*index) == cx.heap.last());
        before_last(cx.heap, size).or(last)
    }
}

/// As before, but nothing else fits, so that it grows.
struct MissesLastGrows;

impl Patch for MissesLastGrows {
    fn choose(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let only = cx.heap.blocks.len() == 1;
        if only { next.choose(cx, size) } else { before_last(cx.heap, size) }
    }

    fn grow(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        match cx.heap.last() {
            Some(last) if cx.heap.is_free(last) && cx.heap.blocks[last].size < size => next.grow(cx, size),
            _ => next.top().append(cx, size),
        }
    }
}

/// Holds the size of a block with its header against the payload that is asked for, and gives blocks that are too small.
struct CountsHeader;

impl Patch for CountsHeader {
    fn choose(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let header = cx.heap.params.header;
        next.choose(cx, size.saturating_sub(header).max(1))
    }

    fn hand_out(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) -> usize {
        // The end of the payload lies over what comes next.
        cx.heap.memo.exposed |= cx.heap.blocks[index].size < size;
        next.hand_out(cx, index, size)
    }
}

struct NoCoalescing;

impl Patch for NoCoalescing {
    fn before_search(&self, _next: Rules<'_>, _cx: &mut Cx<'_>) {}
}

/// Merges a block that is freed with the free one behind it, or with the flag what a split leaves as well.
struct ForwardsOnly(bool);

impl Patch for ForwardsOnly {
    fn split(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        let before = cx.heap.blocks.len();
        next.split(cx, index, size);
        if self.0 && cx.heap.blocks.len() > before {
            join_next(next, cx.heap, index + 1);
        }
    }

    fn before_search(&self, _next: Rules<'_>, _cx: &mut Cx<'_>) {}

    fn release_block(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        next.release_block(cx, index);
        join_next(next, cx.heap, index);
    }
}

/// Merges a block with the free one behind it, if there is one.
pub(super) fn join_next(next: Rules<'_>, heap: &mut Heap, index: usize) {
    if next.top().next_is_free(heap, index) {
        next.top().join(heap, index);
    }
}

/// Merges a block that is freed with the free one before it.
struct BackwardsOnly;

impl Patch for BackwardsOnly {
    fn before_search(&self, _next: Rules<'_>, _cx: &mut Cx<'_>) {}

    fn release_block(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        next.release_block(cx, index);
        if let Some(before) = index.checked_sub(1).filter(|before| cx.heap.is_free(*before)) {
            next.top().join(cx.heap, before);
        }
    }
}

/// Merges each free block with one neighbour and goes on behind it.
struct InPairs;

impl Patch for InPairs {
    fn merge(&self, next: Rules<'_>, heap: &mut Heap) {
        let mut index = 0;
        while index < heap.blocks.len() {
            if heap.is_free(index) && next.top().next_is_free(heap, index) {
                next.top().join(heap, index);
            }
            index += 1;
        }
    }
}

/// Merges a block that is freed with the free one before it, or else with the one behind.
struct OneNeighbour;

impl Patch for OneNeighbour {
    fn before_search(&self, _next: Rules<'_>, _cx: &mut Cx<'_>) {}

    fn release_block(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        next.release_block(cx, index);
        match index.checked_sub(1).filter(|before| cx.heap.is_free(*before)) {
            Some(before) => next.top().join(cx.heap, before),
            None => join_next(next, cx.heap, index),
        }
    }
}

/// Ends the pass in front of the last block, which is never merged.
struct MissesLastPair;

impl Patch for MissesLastPair {
    fn merge(&self, next: Rules<'_>, heap: &mut Heap) {
        let mut index = 0;
        while index + 2 < heap.blocks.len() {
            let before = heap.blocks.len();
            if heap.is_free(index) && next.top().next_is_free(heap, index) {
                next.top().join(heap, index);
            }
            index += usize::from(heap.blocks.len() == before);
        }
    }
}

/// Merges only when the search has found nothing.
struct TooLate;

impl Patch for TooLate {
    fn before_search(&self, _next: Rules<'_>, _cx: &mut Cx<'_>) {}

    fn choose(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        next.choose(cx, size).or_else(|| {
            next.top().merge(cx.heap);
            next.choose(cx, size)
        })
    }
}

/// With the flag it merges neighbours of the list, wherever they lie.
struct LosesHeader(bool);

impl Patch for LosesHeader {
    fn next_is_free(&self, next: Rules<'_>, heap: &Heap, index: usize) -> bool {
        if self.0 { next_in_list_is_free(heap, index) } else { next.next_is_free(heap, index) }
    }

    fn can_extend(&self, next: Rules<'_>, cx: &Cx<'_>, index: usize) -> bool {
        if self.0 { can_extend_last(next, cx, index) } else { next.can_extend(cx, index) }
    }

    fn join(&self, _next: Rules<'_>, heap: &mut Heap, index: usize) {
        heap.absorb_next(index);
        heap.blocks[index].size = heap.blocks[index].size.saturating_sub(heap.params.header);
    }
}

/// Counts the header of the absorbed block twice, so that the merged one reaches into the next or beyond the break.
struct HeaderTwice;

impl Patch for HeaderTwice {
    fn join(&self, _next: Rules<'_>, heap: &mut Heap, index: usize) {
        let is_last = index + 2 >= heap.blocks.len();
        heap.absorb_next(index);
        heap.blocks[index].size = heap.blocks[index].size.saturating_add(heap.params.header);
        heap.memo.overrun |= is_last;
        heap.memo.corrupted |= !is_last;
    }

    fn can_extend(&self, next: Rules<'_>, cx: &Cx<'_>, index: usize) -> bool {
        can_extend_last(next, cx, index)
    }
}

/// The absorbed block stays in the list, so that free blocks overlap.
struct LeavesAbsorbed;

impl Patch for LeavesAbsorbed {
    fn join(&self, _next: Rules<'_>, heap: &mut Heap, index: usize) {
        heap.blocks[index].size += heap.params.header + heap.blocks[index + 1].size;
        heap.memo.corrupted = true;
    }
}

/// Takes neighbours in the list for neighbours in memory.
struct AcrossGap;

impl Patch for AcrossGap {
    fn next_is_free(&self, _next: Rules<'_>, heap: &Heap, index: usize) -> bool {
        next_in_list_is_free(heap, index)
    }

    fn join(&self, _next: Rules<'_>, heap: &mut Heap, index: usize) {
        let end = heap.end(index + 1);
        heap.memo.corrupted |= heap.end(index) != heap.blocks[index + 1].start;
        heap.blocks.remove(index + 1);
        // The list of one that has made other mistakes may be out of order.
        heap.blocks[index].size = end.saturating_sub(heap.payload(index));
    }
}
