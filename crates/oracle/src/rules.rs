//! The contract, rule by rule.
//!
//! Each decision is a method of [`Rules`], and what stands here as its default is the contract ([`Contract`] changes nothing).
//! A mistaken allocator is the same with one or two of them changed: see [`crate::hypotheses`].

use crate::call::{Address, Function, NULL};
use crate::cx::Cx;
use crate::heap::{Block, Found, Heap, Status};
use crate::params::LARGEST;
use crate::readings::{BecameLast, Edge, EqualMapping, Merging, Point, ToMapping};
use crate::run::{Call, Trouble};

/// An allocator, decision by decision.
pub trait Rules: Sync {
    /// `os_malloc`: R1, then as any request.
    fn malloc(&self, cx: &mut Cx<'_>, size: u64) -> Address {
        if size == 0 {
            return NULL; // R1
        }
        self.allocate(cx, Function::Malloc, size)
    }

    /// `os_calloc`: R1 and R2 for the product, then as any request, then R17.
    fn calloc(&self, cx: &mut Cx<'_>, nmemb: u64, size: u64) -> Address {
        if nmemb == 0 || size == 0 {
            return NULL; // R1
        }
        let Some(bytes) = nmemb.checked_mul(size) else { return NULL }; // R2
        let payload = self.allocate(cx, Function::Calloc, bytes);
        if let Some(Found::Heap(index)) = cx.heap.find(payload) {
            self.zero(cx, index); // a new mapping is zero already
        }
        payload
    }

    /// `os_realloc`: R10, R2, then R11 and R12 for a heap block, R13 for a mapping.
    fn realloc(&self, cx: &mut Cx<'_>, pointer: Address, size: u64) -> Address {
        if pointer == NULL {
            return self.malloc(cx, size); // R10
        }
        if size == 0 {
            self.free(cx, pointer); // R10
            return NULL;
        }
        let Some(found) = self.resizable(cx, pointer) else { return NULL }; // R10
        if size > LARGEST {
            return NULL; // R2
        }
        match found {
            Found::Mapping(index) => self.resize_mapping(cx, index, size),
            Found::Heap(index) if self.is_mapped(cx, Function::Realloc, size) => self.heap_to_mapping(cx, index, size),
            Found::Heap(index) => self.resize(cx, index, size),
        }
    }

    /// `os_free`: R8 for a live block, R14 for anything else.
    fn free(&self, cx: &mut Cx<'_>, pointer: Address) {
        if let Some(found) = self.freeable(cx, pointer) {
            self.release(cx, found); // R8
        }
    }

    /// R2: the largest request; R3: where it goes. NULL if refused (R15).
    fn allocate(&self, cx: &mut Cx<'_>, function: Function, size: u64) -> Address {
        if size > LARGEST {
            return NULL; // R2
        }
        if self.is_mapped(cx, function, size) {
            self.map(cx, self.align(cx, size))
        } else {
            let block = self.take(cx, self.align(cx, size));
            block.map_or(NULL, |index| cx.heap.payload(index))
        }
    }

    /// The size of a payload: rounded up to the alignment.
    fn align(&self, cx: &Cx<'_>, size: u64) -> u64 {
        cx.heap.params.align(size)
    }

    /// R3: whether a request gets a mapping of its own.
    fn is_mapped(&self, cx: &mut Cx<'_>, function: Function, size: u64) -> bool {
        let (params, readings) = (cx.heap.params, cx.heap.readings);
        let (point, threshold, edge) = match function {
            Function::Calloc => (Point::O2, params.calloc_threshold, readings.calloc_edge),
            _ => (Point::O1, params.mmap_threshold, readings.edge),
        };
        let least = if function == Function::Calloc { Edge::Above } else { Edge::PayloadUnrounded };
        if Edge::Need.maps(&params, size, threshold) != least.maps(&params, size, threshold) {
            cx.heap.consult(point);
        }
        edge.maps(&params, size, threshold)
    }

    /// R4 to R7: a block of the heap for `size` aligned bytes. `None` if refused (R15).
    fn take(&self, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        if cx.heap.blocks.is_empty() && !self.preallocate(cx, size) {
            return None;
        }
        self.before_search(cx);
        let index = match self.choose(cx, size) {
            Some(index) => index,
            None => self.grow(cx, size)?,
        };
        Some(self.hand_out(cx, index, size))
    }

    /// R6, and the block is in use.
    fn hand_out(&self, cx: &mut Cx<'_>, index: usize, size: u64) -> usize {
        self.split(cx, index, size);
        cx.heap.blocks[index].status = Status::Alloc;
        index
    }

    /// R4: the first heap request, for `size` aligned bytes, moves the break by the preallocation. False if refused.
    fn preallocate(&self, cx: &mut Cx<'_>, _size: u64) -> bool {
        let size = cx.heap.params.preallocation - cx.heap.params.header;
        self.append(cx, size).is_some()
    }

    /// R5: what is done before a search: all adjacent free blocks are merged, over the whole heap.
    fn before_search(&self, cx: &mut Cx<'_>) {
        cx.heap.rests.clear();
        self.merge(cx.heap);
    }

    /// R5: merges all adjacent free blocks.
    fn merge(&self, heap: &mut Heap) {
        let mut index = 0;
        while index < heap.blocks.len() {
            while heap.is_free(index) && self.next_is_free(heap, index) {
                self.join(heap, index);
            }
            index += 1;
        }
    }

    /// R5, R12, R16: whether a free block lies right behind.
    fn next_is_free(&self, heap: &Heap, index: usize) -> bool {
        heap.next_is_free(index)
    }

    /// R5, R12: makes one block of a block and the one behind it.
    fn join(&self, heap: &mut Heap, index: usize) {
        heap.absorb_next(index);
    }

    /// R5: the free block with the smallest size that fits, among equals the one at the lowest address.
    fn choose(&self, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let heap = &*cx.heap;
        heap.fitting(size).min_by_key(|index| (heap.blocks[*index].size, heap.blocks[*index].start))
    }

    /// R6: what a block has beyond `size` becomes a free block right behind, if a header and 8 bytes remain.
    fn split(&self, cx: &mut Cx<'_>, index: usize, size: u64) {
        if cx.heap.blocks[index].size >= size + cx.heap.params.smallest_block() {
            cx.heap.cut(index, size);
        }
    }

    /// R7: nothing fits. A free last block is extended by what is missing, otherwise a new one is added. `None` if refused.
    fn grow(&self, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        match cx.heap.last() {
            Some(last) if cx.heap.is_free(last) && self.can_extend(cx, last) => {
                self.extend(cx, last, size).then_some(last)
            }
            _ => self.append(cx, size),
        }
    }

    /// R16: whether the heap can grow behind this block: it is the last, and nobody else has moved the break.
    fn can_extend(&self, cx: &Cx<'_>, index: usize) -> bool {
        cx.heap.at_break(index)
    }

    /// R7, R12: moves the break by exactly what a block lacks. False if refused (R15), and nothing has changed.
    fn extend(&self, cx: &mut Cx<'_>, index: usize, size: u64) -> bool {
        let missing = size - cx.heap.blocks[index].size;
        let granted = cx.move_break(missing.cast_signed());
        if granted {
            cx.heap.blocks[index].size = size;
        }
        granted
    }

    /// R7, R16: a new free block of exactly `size` bytes at the break, aligned up. `None` if refused, or if someone has moved the
    /// break down into the heap.
    fn append(&self, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let start = cx.heap.brk.next_multiple_of(cx.heap.params.alignment); // R16
        if cx.heap.last().is_some_and(|last| cx.heap.brk < cx.heap.end(last)) {
            return None;
        }
        let by = start - cx.heap.brk + cx.heap.params.header + size;
        if !cx.move_break(by.cast_signed()) {
            return None; // R15
        }
        Some(cx.push_block(start, size))
    }

    /// R9: a mapping of its own. NULL if refused (R15).
    fn map(&self, cx: &mut Cx<'_>, size: u64) -> Address {
        let Some(start) = cx.map(cx.heap.params.header + size) else { return NULL };
        cx.heap.mappings.push(Block { start, size, status: Status::Alloc });
        start + cx.heap.params.header
    }

    /// R8: a heap block is marked, a mapping is unmapped.
    fn release(&self, cx: &mut Cx<'_>, found: Found) {
        match found {
            Found::Heap(index) => self.release_block(cx, index),
            Found::Mapping(index) => self.release_mapping(cx, index),
        }
    }

    /// R8: marked FREE, no system call.
    fn release_block(&self, cx: &mut Cx<'_>, index: usize) {
        cx.heap.rests.clear();
        cx.heap.blocks[index].status = Status::Free;
    }

    /// R8: one munmap of the whole length.
    fn release_mapping(&self, cx: &mut Cx<'_>, index: usize) {
        let Block { start, size, .. } = cx.heap.mappings.remove(index);
        cx.unmap(start, cx.heap.params.header + size);
    }

    /// R10: what a pointer may be resized as: a live block of ours, by its exact payload.
    fn resizable(&self, cx: &mut Cx<'_>, pointer: Address) -> Option<Found> {
        cx.heap.live(pointer)
    }

    /// R14: what a pointer may be freed as: the same.
    fn freeable(&self, cx: &mut Cx<'_>, pointer: Address) -> Option<Found> {
        cx.heap.live(pointer)
    }

    /// R11 and R12: a heap block for a heap request.
    fn resize(&self, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
        let (size, payload) = (self.align(cx, bytes), cx.heap.payload(index));
        if size <= cx.heap.blocks[index].size {
            self.shrink(cx, index, size); // R11
            return payload;
        }
        if self.extends_last(cx, index) {
            return if self.extend_resized(cx, index, size) { payload } else { NULL }; // R12 (a)
        }
        let index = self.absorb(cx, index, size); // R12 (b)
        let payload = cx.heap.payload(index);
        if cx.heap.blocks[index].size >= size {
            self.split_grown(cx, index, size);
            return payload;
        }
        if self.can_extend(cx, index) && became_last_extends(cx, size) {
            let Some(Found::Heap(index)) = cx.heap.find(payload) else { return NULL };
            return if self.extend(cx, index, size) { payload } else { NULL }; // O4
        }
        self.relocate(cx, payload, bytes) // R12 (c)
    }

    /// R11: a block that needs no more than it has stays, and is split by R6.
    fn shrink(&self, cx: &mut Cx<'_>, index: usize, size: u64) {
        self.split_resized(cx, index, size);
    }

    /// R12 (a): whether a block that grows is extended by a move of the break.
    fn extends_last(&self, cx: &Cx<'_>, index: usize) -> bool {
        self.can_extend(cx, index)
    }

    /// R12 (a): extends it, by exactly what is missing. False if refused.
    fn extend_resized(&self, cx: &mut Cx<'_>, index: usize, size: u64) -> bool {
        self.extend(cx, index, size)
    }

    /// R12 (b): absorbs the free blocks behind one at a time, until it fits. Returns the block's index.
    fn absorb(&self, cx: &mut Cx<'_>, index: usize, size: u64) -> usize {
        let mut index = index;
        if self.next_is_free(cx.heap, index) && self.next_is_free(cx.heap, index + 1) {
            cx.heap.consult(Point::O6);
            if cx.heap.readings.merging != Merging::AtSearch {
                let payload = cx.heap.payload(index);
                cx.heap.merge_early();
                if let Some(Found::Heap(moved)) = cx.heap.find(payload) {
                    index = moved;
                }
            }
        }
        while cx.heap.blocks[index].size < size && self.next_is_free(cx.heap, index) {
            self.join(cx.heap, index);
        }
        index
    }

    /// R6 for a block that stays; O6: what it leaves behind.
    fn split_resized(&self, cx: &mut Cx<'_>, index: usize, size: u64) {
        let before = cx.heap.blocks.len();
        self.split(cx, index, size);
        cx.heap.note_rest(index, before);
    }

    /// R12 (b): what was absorbed beyond the request is split off by R6.
    fn split_grown(&self, cx: &mut Cx<'_>, index: usize, size: u64) {
        self.split_resized(cx, index, size);
    }

    /// R12: a heap block for a mapped request: it moves to a mapping (O3).
    fn heap_to_mapping(&self, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
        let mut end = index;
        while self.next_is_free(cx.heap, end) {
            end += 1;
        }
        if self.can_extend(cx, end) {
            cx.heap.consult(Point::O3);
            let stays = match cx.heap.readings.to_mapping {
                ToMapping::Moves => false,
                ToMapping::LastStays => end == index,
                ToMapping::BecomesLast => true,
            };
            if stays {
                for _ in index..end {
                    self.join(cx.heap, index);
                }
                return self.resize(cx, index, bytes);
            }
        }
        self.relocate(cx, cx.heap.payload(index), bytes)
    }

    /// R13: a mapping stays where it is only if its size stays the same.
    fn resize_mapping(&self, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
        let payload = cx.heap.mappings[index].start + cx.heap.params.header;
        if self.align(cx, bytes) == cx.heap.mappings[index].size {
            cx.heap.consult(Point::O5);
            if cx.heap.readings.equal_mapping == EqualMapping::Stays {
                return payload;
            }
        }
        self.relocate(cx, payload, bytes)
    }

    /// R12 (c), R13: a new block by R3, the contents copied, the old one released. NULL if refused, and the old one stays (R15).
    fn relocate(&self, cx: &mut Cx<'_>, payload: Address, bytes: u64) -> Address {
        let new = self.allocate(cx, Function::Realloc, bytes);
        if new != NULL {
            // A search may have merged blocks in front of it: another index, the same address.
            if let Some(found) = cx.heap.find(payload) {
                self.copy(cx, found, bytes); // R17
                self.release(cx, found);
            }
        }
        new
    }

    /// R17: calloc writes zeros over the payload; nothing that shows here.
    fn zero(&self, _cx: &mut Cx<'_>, _index: usize) {}

    /// R17: realloc copies `min(old size, bytes)`; nothing that shows here.
    fn copy(&self, _cx: &mut Cx<'_>, _from: Found, _bytes: u64) {}

    /// What it asks the system for before the program begins: nothing.
    fn load(&self, _cx: &mut Cx<'_>) {}

    /// Whether a call is as such an allocator makes it: `own` is what this model made of it.
    fn explains(&self, own: &Call, seen: &Call, _heap: &Heap) -> bool {
        own == seen
    }

    /// Whether a call that is not as this model makes it is what the mistake may lead to, and nothing that follows can be foretold.
    fn gives_up(&self, _own: &Call, _seen: &Call, _heap: &Heap) -> bool {
        false
    }

    /// Whether such an allocator may end a run so; `heap` is its state after the last call. The contract's never does.
    fn excuses(&self, _trouble: &Trouble<'_>, _heap: &Heap) -> bool {
        false
    }
}

/// The contract as it stands.
#[derive(Clone, Copy, Debug)]
pub struct Contract;

impl Rules for Contract {}

/// O4: whether a block that became the last one by absorbing is extended: not by the contract, and by no reading if a free block
/// elsewhere fits.
fn became_last_extends(cx: &mut Cx<'_>, size: u64) -> bool {
    let mut merged = cx.heap.clone();
    Contract.merge(&mut merged);
    if merged.fitting(size).next().is_some() {
        return false;
    }
    cx.heap.consult(Point::O4);
    let extends = cx.heap.readings.became_last == BecameLast::Extends;
    if extends {
        Contract.merge(cx.heap);
    }
    extends
}
