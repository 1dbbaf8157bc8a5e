//! Mistakes in `os_free` (R8, R14).

use super::{Hypothesis, other};
use crate::call::{Address, NULL, Request};
use crate::cx::Cx;
use crate::heap::{Block, Found, Heap, Status};
use crate::rules::{Patch, Rules};
use crate::run::{End, Trouble};

pub const ALL: &[Hypothesis] = &[
    other("free-does-nothing", &DoesNothing),
    other("break-given-back", &GivesBack),
    other("free-mapping-kept", &NeverUnmaps),
    other("free-wrong-length", &UnmapsPayload),
    other("free-wrong-length", &UnmapsPages),
    other("free-wrong-length", &UnmapsHeaderMore),
    other("free-wrong-address", &UnmapsFromPayload),
    other("free-null-crashes", &NullCrashes),
    other("double-free", &DoubleFreeEnds),
    other("double-free", &DoubleFreeMerges),
    other("interior-pointer-accepted", &InteriorFrees),
    other("free-trusts-pointer", &TrustsPointer),
];

struct DoesNothing;

impl Patch for DoesNothing {
    fn release_block(&self, _next: Rules<'_>, _cx: &mut Cx<'_>, _index: usize) {}
}

/// Moves the break down when the last block is freed.
struct GivesBack;

impl Patch for GivesBack {
    fn release_block(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        next.release_block(cx, index);
        if index > 0 && cx.heap.at_break(index) {
            let Block { size, .. } = cx.heap.blocks.remove(index);
            cx.move_break(-(cx.heap.params.header + size).cast_signed());
        }
    }
}

struct NeverUnmaps;

impl Patch for NeverUnmaps {
    fn release_mapping(&self, _next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        cx.heap.mappings.remove(index);
    }
}

struct UnmapsPayload;

impl Patch for UnmapsPayload {
    fn release_mapping(&self, _next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        let Block { start, size, .. } = cx.heap.mappings.remove(index);
        cx.unmap(start, size);
    }
}

struct UnmapsPages;

impl Patch for UnmapsPages {
    fn release_mapping(&self, _next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        let Block { start, size, .. } = cx.heap.mappings.remove(index);
        cx.unmap(start, (cx.heap.params.header + size).next_multiple_of(cx.heap.params.page));
    }
}

struct UnmapsHeaderMore;

impl Patch for UnmapsHeaderMore {
    fn release_mapping(&self, _next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        let Block { start, size, .. } = cx.heap.mappings.remove(index);
        cx.unmap(start, 2 * cx.heap.params.header + size);
    }
}

struct UnmapsFromPayload;

impl Patch for UnmapsFromPayload {
    fn release_mapping(&self, _next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        let Block { start, size, .. } = cx.heap.mappings.remove(index);
        cx.unmap(start + cx.heap.params.header, cx.heap.params.header + size);
    }
}

struct NullCrashes;

impl Patch for NullCrashes {
    fn excuses(&self, trouble: &Trouble<'_>, _heap: &Heap) -> bool {
        let is_null = matches!(trouble.request, Request::Free { pointer: NULL });
        trouble.inside && is_null && matches!(trouble.end, End::Crash(_))
    }
}

/// What a pointer leads to that is no live block's, but a free one's.
fn freed(heap: &Heap, pointer: Address) -> Option<usize> {
    match heap.find(pointer) {
        Some(Found::Heap(index)) if heap.is_free(index) => Some(index),
        _ => None,
    }
}

/// Ends the process at a double free.
struct DoubleFreeEnds;

impl Patch for DoubleFreeEnds {
    fn free(&self, next: Rules<'_>, cx: &mut Cx<'_>, pointer: Address) {
        cx.heap.memo.freed_twice = freed(cx.heap, pointer).is_some();
        next.free(cx, pointer);
    }

    fn excuses(&self, trouble: &Trouble<'_>, heap: &Heap) -> bool {
        let freed_twice = matches!(trouble.request, Request::Free { .. }) && heap.memo.freed_twice;
        trouble.inside && freed_twice && matches!(trouble.end, End::Crash(_) | End::EarlyExit)
    }
}

/// A second free merges the block with whatever lies behind.
struct DoubleFreeMerges;

impl Patch for DoubleFreeMerges {
    fn free(&self, next: Rules<'_>, cx: &mut Cx<'_>, pointer: Address) {
        match freed(cx.heap, pointer) {
            Some(index) if index + 1 < cx.heap.blocks.len() => {
                cx.heap.memo.corrupted |= !cx.heap.is_free(index + 1);
                cx.heap.absorb_next(index);
            }
            _ => next.free(cx, pointer),
        }
    }
}

/// A pointer into the middle of a block means that block.
struct InteriorFrees;

impl InteriorFrees {
    fn around(heap: &Heap, pointer: Address) -> Option<Found> {
        let holds = |index: &usize| (heap.payload(*index)..heap.end(*index)).contains(&pointer);
        let index = (0..heap.blocks.len()).find(holds);
        let live_block = index.filter(|index| heap.blocks[*index].status == Status::Alloc).map(Found::Heap);
        live_block.or_else(|| heap.live(pointer))
    }
}

impl Patch for InteriorFrees {
    fn freeable(&self, _next: Rules<'_>, cx: &mut Cx<'_>, pointer: Address) -> Option<Found> {
        let found = Self::around(cx.heap, pointer);
        cx.heap.memo.corrupted |= found != cx.heap.live(pointer);
        found
    }

    fn resizable(&self, next: Rules<'_>, cx: &mut Cx<'_>, pointer: Address) -> Option<Found> {
        next.top().freeable(cx, pointer)
    }
}

/// Takes the bytes before any pointer for a header: after a pointer that is no block's anything may happen.
struct TrustsPointer;

impl TrustsPointer {
    fn trust(cx: &mut Cx<'_>, pointer: Address) -> Option<Found> {
        let found = cx.heap.live(pointer);
        cx.heap.memo.corrupted |= found.is_none() && pointer != NULL;
        found
    }
}

impl Patch for TrustsPointer {
    fn freeable(&self, _next: Rules<'_>, cx: &mut Cx<'_>, pointer: Address) -> Option<Found> {
        Self::trust(cx, pointer)
    }

    fn resizable(&self, _next: Rules<'_>, cx: &mut Cx<'_>, pointer: Address) -> Option<Found> {
        Self::trust(cx, pointer)
    }
}
