//! The contract, rule by rule.
//!
//! Each decision is a method of [`Rules`], and what stands here as its default is the contract ([`Contract`] changes nothing).
//! A mistaken allocator is the same with one or two of them changed: see [`crate::hypotheses`].

mod resize;

use crate::call::{Address, Function, NULL};
use crate::cx::Cx;
use crate::heap::{Block, Found, Heap, Status};
use crate::params::LARGEST;
use crate::readings::{Edge, Merging, NearLargest, Point};
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
        match cx.heap.find(payload) {
            Some(Found::Heap(index)) => self.zero(cx, index), // R17; a new mapping is zero already
            Some(Found::Mapping(index)) => cx.heap.note_calloc(cx.heap.mappings[index].start),
            None => {}
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
        if size > LARGEST - cx.heap.params.page {
            cx.heap.consult(Point::O11);
            if cx.heap.readings.near_largest == NearLargest::Refused {
                return NULL;
            }
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
            Function::Realloc => (Point::O1Realloc, params.mmap_threshold, readings.realloc_edge),
            _ => (Point::O1, params.mmap_threshold, readings.edge),
        };
        let last = if function == Function::Calloc { Edge::Above } else { Edge::PayloadAbove };
        if Edge::Need.maps(&params, size, threshold) != last.maps(&params, size, threshold) {
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
        let size = cx.heap.params.preallocation.saturating_sub(cx.heap.params.header);
        self.append(cx, size).is_some()
    }

    /// R5: what is done before a search: all adjacent free blocks are merged, over the whole heap.
    fn before_search(&self, cx: &mut Cx<'_>) {
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
        let missing = size.wrapping_sub(cx.heap.blocks[index].size);
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
        resize::on_the_heap(self, cx, index, bytes)
    }

    /// R11: a block that needs no more than it has stays, and is split by R6.
    fn shrink(&self, cx: &mut Cx<'_>, index: usize, size: u64) {
        self.split(cx, index, size);
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
        while cx.heap.blocks[index].size < size && self.next_is_free(cx.heap, index) {
            self.join(cx.heap, index);
        }
        let has = cx.heap.blocks[index].size;
        if (size..size + cx.heap.params.smallest_block()).contains(&has) && self.next_is_free(cx.heap, index) {
            // Too little remains to be cut off, unless what comes next was merged with it before.
            cx.heap.consult(Point::O6);
            if cx.heap.readings.merging == Merging::Early {
                self.join(cx.heap, index);
            }
        }
        index
    }

    /// R12 (b): what was absorbed beyond the request is split off by R6.
    fn split_grown(&self, cx: &mut Cx<'_>, index: usize, size: u64) {
        self.split(cx, index, size);
    }

    /// R12: a heap block for a mapped request: it moves to a mapping (O3).
    fn heap_to_mapping(&self, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
        resize::to_mapping(self, cx, index, bytes)
    }

    /// R13: a mapping stays where it is only if its size stays the same (O5).
    fn resize_mapping(&self, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
        resize::mapping(self, cx, index, bytes)
    }

    /// R12 (c), R13: a new block by R3, the contents copied, the old one released. NULL if refused, and the old one stays (R15).
    fn relocate(&self, cx: &mut Cx<'_>, payload: Address, bytes: u64) -> Address {
        let function = resize::moves_as(self, cx, bytes);
        let new = self.allocate(cx, function, bytes);
        resize::hand_over(self, cx, [payload, new], bytes);
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
