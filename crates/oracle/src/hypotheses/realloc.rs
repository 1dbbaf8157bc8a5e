//! Mistakes in `os_realloc` (R10 to R13, R17).

use super::{Hypothesis, other};
use crate::call::{Address, Function, NULL, Request, System};
use crate::cx::Cx;
use crate::heap::{Found, Heap, Status};
use crate::rules::{Patch, Rules};
use crate::run::{Check, End, Trouble};

pub const ALL: &[Hypothesis] = &[
    other("realloc-null-wrong", &NullGivesNull),
    other("realloc-zero-wrong", &ZeroKeeps),
    other("realloc-zero-wrong", &ZeroShrinks),
    other("realloc-of-freed", &OfFreed),
    other("realloc-always-moves", &AlwaysMoves),
    other("realloc-never-shrinks", &NeverShrinks),
    other("realloc-does-not-absorb", &DoesNotAbsorb),
    other("realloc-absorbs-one", &AbsorbsOne),
    other("realloc-absorbs-all", &AbsorbsAll),
    other("realloc-does-not-split", &AbsorbsWhole),
    other("realloc-does-not-extend", &DoesNotExtend),
    other("realloc-extends-too-much", &ExtendsByWhole(false)),
    other("realloc-extends-too-much", &ExtendsByWhole(true)),
    other("realloc-extends-too-much", &ExtendsByHeaderMore(Beyond::InTheBlock)),
    other("realloc-extends-too-much", &ExtendsByHeaderMore(Beyond::Unused)),
    other("realloc-absorbs-backwards", &GrowsBackwards),
    other("realloc-keeps-the-old", &KeepsOld),
    other("realloc-mapping-kept", &KeepsMapping),
    other("realloc-frees-first", &FreesFirst),
    other("realloc-stays-mapped", &StaysMapped),
    other("realloc-never-maps", &NeverMaps),
    other("realloc-never-maps", &StaysOnHeap),
    other("realloc-mapping-in-place", &ShrinksInPlace),
    other("realloc-mapping-in-place", &StaysWithinPages),
    other("realloc-frees-before-copying", &FreesBeforeCopying),
    other("realloc-copies-too-little", &CopiesTooLittle),
    other("realloc-copies-too-much", &CopiesTooMuch),
    other("realloc-reads-too-much", &ReadsTooMuch),
];

/// `os_realloc(NULL, n)` is no os_malloc: it gives NULL, or crashes.
struct NullGivesNull;

impl Patch for NullGivesNull {
    fn realloc(&self, next: Rules<'_>, cx: &mut Cx<'_>, pointer: Address, size: u64) -> Address {
        if pointer == NULL { NULL } else { next.realloc(cx, pointer, size) }
    }

    fn excuses(&self, trouble: &Trouble<'_>, _heap: &Heap) -> bool {
        let is_null = matches!(trouble.request, Request::Realloc { pointer: NULL, .. });
        trouble.inside && is_null && matches!(trouble.end, End::Crash(_))
    }
}

struct ZeroKeeps;

impl Patch for ZeroKeeps {
    fn realloc(&self, next: Rules<'_>, cx: &mut Cx<'_>, pointer: Address, size: u64) -> Address {
        if size == 0 { NULL } else { next.realloc(cx, pointer, size) }
    }
}

struct ZeroShrinks;

impl Patch for ZeroShrinks {
    fn realloc(&self, next: Rules<'_>, cx: &mut Cx<'_>, pointer: Address, size: u64) -> Address {
        next.realloc(cx, pointer, if pointer == NULL { size } else { size.max(1) })
    }
}

struct OfFreed;

impl Patch for OfFreed {
    fn resizable(&self, _next: Rules<'_>, cx: &mut Cx<'_>, pointer: Address) -> Option<Found> {
        let found = cx.heap.find(pointer)?;
        // The block stays free, and may be given a second time.
        cx.heap.memo.corrupted |= cx.heap.block(found).status == Status::Free;
        Some(found)
    }
}

struct AlwaysMoves;

impl Patch for AlwaysMoves {
    fn resize(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
        next.top().relocate(cx, cx.heap.payload(index), bytes)
    }
}

struct NeverShrinks;

impl Patch for NeverShrinks {
    fn shrink(&self, _next: Rules<'_>, _cx: &mut Cx<'_>, _index: usize, _size: u64) {}
}

struct DoesNotAbsorb;

impl Patch for DoesNotAbsorb {
    fn absorb(&self, _next: Rules<'_>, _cx: &mut Cx<'_>, index: usize, _size: u64) -> usize {
        index
    }
}

struct AbsorbsOne;

impl Patch for AbsorbsOne {
    fn absorb(&self, _next: Rules<'_>, cx: &mut Cx<'_>, index: usize, _size: u64) -> usize {
        if cx.heap.next_is_free(index) {
            cx.heap.absorb_next(index);
        }
        index
    }
}

/// Takes all free blocks behind, though fewer would do.
struct AbsorbsAll;

impl Patch for AbsorbsAll {
    fn absorb(&self, _next: Rules<'_>, cx: &mut Cx<'_>, index: usize, _size: u64) -> usize {
        while cx.heap.next_is_free(index) {
            cx.heap.absorb_next(index);
        }
        index
    }
}

struct AbsorbsWhole;

impl Patch for AbsorbsWhole {
    fn split_grown(&self, _next: Rules<'_>, _cx: &mut Cx<'_>, _index: usize, _size: u64) {}
}

struct DoesNotExtend;

impl Patch for DoesNotExtend {
    fn extends_last(&self, _next: Rules<'_>, _cx: &Cx<'_>, _index: usize) -> bool {
        false
    }
}

/// Extends the last block by the new size (and a header) instead of what is missing.
struct ExtendsByWhole(bool);

impl Patch for ExtendsByWhole {
    fn extend_resized(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) -> bool {
        let header = if self.0 { cx.heap.params.header } else { 0 };
        let size = cx.heap.blocks[index].size + size + header;
        next.top().extend(cx, index, size)
    }
}

/// Place of the bytes that the break moves too far.
#[derive(Clone, Copy)]
enum Beyond {
    /// They belong to the block.
    InTheBlock,
    /// They lie between the block and the break.
    Unused,
}

/// Extends the last block by what is missing and a header.
struct ExtendsByHeaderMore(Beyond);

impl Patch for ExtendsByHeaderMore {
    fn extend_resized(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) -> bool {
        let more = size.saturating_add(cx.heap.params.header);
        let granted = next.top().extend(cx, index, more);
        if granted && matches!(self.0, Beyond::Unused) {
            cx.heap.blocks[index].size = size;
        }
        granted
    }
}

/// Takes the free block before as well, and moves the contents down.
struct GrowsBackwards;

impl Patch for GrowsBackwards {
    fn absorb(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) -> usize {
        let index = next.absorb(cx, index, size);
        let has = cx.heap.blocks[index].size;
        let Some(before) = index.checked_sub(1).filter(|before| has < size && cx.heap.is_free(*before)) else {
            return index;
        };
        if cx.heap.blocks[before].size + cx.heap.params.header + has < size {
            return index;
        }
        cx.heap.absorb_next(before);
        cx.heap.blocks[before].status = Status::Alloc;
        before
    }
}

struct KeepsOld;

impl Patch for KeepsOld {
    fn relocate(&self, next: Rules<'_>, cx: &mut Cx<'_>, _payload: Address, bytes: u64) -> Address {
        next.top().allocate(cx, Function::Realloc, bytes)
    }
}

/// Moves the contents of a mapping and never unmaps it.
struct KeepsMapping;

impl Patch for KeepsMapping {
    fn relocate(&self, next: Rules<'_>, cx: &mut Cx<'_>, payload: Address, bytes: u64) -> Address {
        match cx.heap.find(payload) {
            Some(Found::Mapping(_)) => next.top().allocate(cx, Function::Realloc, bytes),
            _ => next.relocate(cx, payload, bytes),
        }
    }
}

/// Frees the old block before it looks for a new one.
struct FreesFirst;

impl Patch for FreesFirst {
    fn relocate(&self, next: Rules<'_>, cx: &mut Cx<'_>, payload: Address, bytes: u64) -> Address {
        if let Some(Found::Heap(index)) = cx.heap.find(payload) {
            next.top().release_block(cx, index);
            return next.top().allocate(cx, Function::Realloc, bytes);
        }
        next.relocate(cx, payload, bytes)
    }

    fn excuses(&self, trouble: &Trouble<'_>, _heap: &Heap) -> bool {
        // The header of the new block, or of what is left of it, is written over the contents.
        matches!(trouble.end, End::Check(Check::Lost | Check::Written))
    }
}

/// A mapping moves to a mapping, whatever its new size.
struct StaysMapped;

impl Patch for StaysMapped {
    fn relocate(&self, next: Rules<'_>, cx: &mut Cx<'_>, payload: Address, bytes: u64) -> Address {
        let Some(old @ Found::Mapping(_)) = cx.heap.find(payload) else { return next.relocate(cx, payload, bytes) };
        let size = next.top().align(cx, bytes);
        let new = next.top().map(cx, size);
        if new != NULL {
            next.top().release(cx, old);
        }
        new
    }
}

struct NeverMaps;

impl Patch for NeverMaps {
    fn is_mapped(&self, next: Rules<'_>, cx: &mut Cx<'_>, function: Function, size: u64) -> bool {
        function != Function::Realloc && next.is_mapped(cx, function, size)
    }
}

/// Only a block of the heap stays there.
struct StaysOnHeap;

impl Patch for StaysOnHeap {
    fn heap_to_mapping(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
        next.top().resize(cx, index, bytes)
    }

    fn relocate(&self, next: Rules<'_>, cx: &mut Cx<'_>, payload: Address, bytes: u64) -> Address {
        if !matches!(cx.heap.find(payload), Some(Found::Heap(_))) {
            return next.relocate(cx, payload, bytes);
        }
        let size = next.top().align(cx, bytes);
        let Some(index) = next.top().take(cx, size) else { return NULL };
        let new = cx.heap.payload(index);
        if let Some(old) = cx.heap.find(payload) {
            next.top().release(cx, old);
        }
        new
    }
}

struct ShrinksInPlace;

impl Patch for ShrinksInPlace {
    fn resize_mapping(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
        if next.top().align(cx, bytes) <= cx.heap.mappings[index].size {
            return cx.heap.mappings[index].start + cx.heap.params.header;
        }
        next.resize_mapping(cx, index, bytes)
    }
}

struct StaysWithinPages;

impl Patch for StaysWithinPages {
    fn resize_mapping(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
        let params = cx.heap.params;
        let pages = |size: u64| (params.header + size).div_ceil(params.page);
        if pages(bytes) == pages(cx.heap.mappings[index].size) {
            return cx.heap.mappings[index].start + params.header;
        }
        next.resize_mapping(cx, index, bytes)
    }
}

/// Whether a run ended in a crash inside `os_realloc`, after an munmap or before any.
fn crashed_in_realloc(trouble: &Trouble<'_>, after_unmap: bool) -> bool {
    let unmapped = trouble.asked.iter().any(|event| matches!(event, System::Unmap { .. }));
    let resized = matches!(trouble.request, Request::Realloc { pointer: 1.., .. });
    trouble.inside && resized && matches!(trouble.end, End::Crash(_)) && unmapped == after_unmap
}

struct FreesBeforeCopying;

impl Patch for FreesBeforeCopying {
    fn excuses(&self, trouble: &Trouble<'_>, _heap: &Heap) -> bool {
        crashed_in_realloc(trouble, true)
    }
}

struct CopiesTooLittle;

impl Patch for CopiesTooLittle {
    fn excuses(&self, trouble: &Trouble<'_>, _heap: &Heap) -> bool {
        *trouble.end == End::Check(Check::Lost)
    }
}

/// Copies the whole old block, even into a smaller one.
struct CopiesTooMuch;

impl Patch for CopiesTooMuch {
    fn copy(&self, _next: Rules<'_>, cx: &mut Cx<'_>, from: Found, bytes: u64) {
        let too_much = cx.heap.block(from).size > bytes;
        note_copy(cx, from, too_much);
        // Into the heap, over whatever comes next.
        cx.heap.memo.corrupted |= matches!(from, Found::Mapping(_)) && too_much;
    }

    fn excuses(&self, trouble: &Trouble<'_>, heap: &Heap) -> bool {
        crashed_in_realloc(trouble, false) && is_noted(trouble, heap)
    }
}

/// Copies as much as the new block holds, from beyond the end of the old one. It shows only where nothing may be read there.
struct ReadsTooMuch;

impl Patch for ReadsTooMuch {
    fn copy(&self, _next: Rules<'_>, cx: &mut Cx<'_>, from: Found, bytes: u64) {
        let too_much = cx.heap.block(from).size < bytes;
        note_copy(cx, from, too_much);
    }

    fn excuses(&self, trouble: &Trouble<'_>, heap: &Heap) -> bool {
        crashed_in_realloc(trouble, false) && is_noted(trouble, heap)
    }
}

/// Notes the last block that was copied, if too much was.
fn note_copy(cx: &mut Cx<'_>, from: Found, too_much: bool) {
    cx.heap.memo.copied = if too_much { cx.heap.block(from).start + cx.heap.params.header } else { NULL };
}

/// Whether the last call copied too much.
fn is_noted(trouble: &Trouble<'_>, heap: &Heap) -> bool {
    matches!(trouble.request, Request::Realloc { pointer, .. } if pointer == heap.memo.copied)
}
