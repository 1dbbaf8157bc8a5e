//! The contract, rule by rule: one function for each decision, the rule's number at each.

use super::{Rules, resize};
use crate::call::{Address, Function, NULL};
use crate::cx::Cx;
use crate::heap::{Block, Found, Heap, Status};
use crate::params::LARGEST;
use crate::readings::{Edge, Merging, NearLargest, Point};

/// `os_malloc`: R1, then as any request.
pub fn malloc(rules: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Address {
    if size == 0 {
        return NULL; // R1
    }
    rules.allocate(cx, Function::Malloc, size)
}

/// `os_calloc`: R1 and R2 for the product, then as any request, then R17.
pub fn calloc(rules: Rules<'_>, cx: &mut Cx<'_>, nmemb: u64, size: u64) -> Address {
    if nmemb == 0 || size == 0 {
        return NULL; // R1
    }
    let Some(bytes) = nmemb.checked_mul(size) else { return NULL }; // R2
    let payload = rules.allocate(cx, Function::Calloc, bytes);
    match cx.heap.find(payload) {
        Some(Found::Heap(index)) => rules.zero(cx, index), // R17; a new mapping is zero already
        Some(Found::Mapping(index)) => cx.heap.note_calloc(cx.heap.mappings[index].start),
        None => {}
    }
    payload
}

/// `os_realloc`: R10, R2, then R11 and R12 for a heap block, R13 for a mapping.
pub fn realloc(rules: Rules<'_>, cx: &mut Cx<'_>, pointer: Address, size: u64) -> Address {
    if pointer == NULL {
        return rules.malloc(cx, size); // R10
    }
    if size == 0 {
        rules.free(cx, pointer); // R10
        return NULL;
    }
    let Some(found) = rules.resizable(cx, pointer) else { return NULL }; // R10
    if size > LARGEST {
        return NULL; // R2
    }
    match found {
        Found::Mapping(index) => rules.resize_mapping(cx, index, size),
        Found::Heap(index) if rules.is_mapped(cx, Function::Realloc, size) => rules.heap_to_mapping(cx, index, size),
        Found::Heap(index) => rules.resize(cx, index, size),
    }
}

/// `os_free`: R8 for a live block, R14 for anything else.
pub fn free(rules: Rules<'_>, cx: &mut Cx<'_>, pointer: Address) {
    if let Some(found) = rules.freeable(cx, pointer) {
        rules.release(cx, found); // R8
    }
}

/// R2: the largest request; R3: where it goes. NULL if refused (R15).
pub fn allocate(rules: Rules<'_>, cx: &mut Cx<'_>, function: Function, size: u64) -> Address {
    if size > LARGEST {
        return NULL; // R2
    }
    if size > LARGEST - cx.heap.params.page {
        cx.heap.consult(Point::O11);
        if cx.heap.readings.near_largest == NearLargest::Refused {
            return NULL;
        }
    }
    if rules.is_mapped(cx, function, size) {
        rules.map(cx, rules.align(cx, size))
    } else {
        let block = rules.take(cx, rules.align(cx, size));
        block.map_or(NULL, |index| cx.heap.payload(index))
    }
}

/// The size of a payload: rounded up to the alignment.
pub fn align(_rules: Rules<'_>, cx: &Cx<'_>, size: u64) -> u64 {
    cx.heap.params.align(size)
}

/// R3: whether a request gets a mapping of its own.
pub fn is_mapped(_rules: Rules<'_>, cx: &mut Cx<'_>, function: Function, size: u64) -> bool {
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
pub fn take(rules: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
    if cx.heap.blocks.is_empty() && !rules.preallocate(cx, size) {
        return None;
    }
    rules.before_search(cx);
    let index = match rules.choose(cx, size) {
        Some(index) => index,
        None => rules.grow(cx, size)?,
    };
    Some(rules.hand_out(cx, index, size))
}

/// R6, and the block is in use.
pub fn hand_out(rules: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) -> usize {
    rules.split(cx, index, size);
    cx.heap.blocks[index].status = Status::Alloc;
    index
}

/// R4: the first heap request, for `size` aligned bytes, moves the break by the preallocation. False if refused.
pub fn preallocate(rules: Rules<'_>, cx: &mut Cx<'_>, _size: u64) -> bool {
    let size = cx.heap.params.preallocation.saturating_sub(cx.heap.params.header);
    rules.append(cx, size).is_some()
}

/// R5: what is done before a search: all adjacent free blocks are merged, over the whole heap.
pub fn before_search(rules: Rules<'_>, cx: &mut Cx<'_>) {
    rules.merge(cx.heap);
}

/// R5: merges all adjacent free blocks.
pub fn merge(rules: Rules<'_>, heap: &mut Heap) {
    let mut index = 0;
    while index < heap.blocks.len() {
        while heap.is_free(index) && rules.next_is_free(heap, index) && joined(rules, heap, index) {}
        index += 1;
    }
}

/// Joins two blocks, and returns whether that left one block fewer: with mistakes it may not, and nothing would end.
fn joined(rules: Rules<'_>, heap: &mut Heap, index: usize) -> bool {
    let before = heap.blocks.len();
    rules.join(heap, index);
    heap.blocks.len() < before
}

/// R5, R12, R16: whether a free block lies right behind.
pub fn next_is_free(_rules: Rules<'_>, heap: &Heap, index: usize) -> bool {
    heap.next_is_free(index)
}

/// R5, R12: makes one block of a block and the one behind it.
pub fn join(_rules: Rules<'_>, heap: &mut Heap, index: usize) {
    heap.absorb_next(index);
}

/// R5: the free block with the smallest size that fits, among equals the one at the lowest address.
pub fn choose(_rules: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
    let heap = &*cx.heap;
    heap.fitting(size).min_by_key(|index| (heap.blocks[*index].size, heap.blocks[*index].start))
}

/// R6: what a block has beyond `size` becomes a free block right behind, if a header and 8 bytes remain.
pub fn split(_rules: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
    if cx.heap.blocks[index].size >= size + cx.heap.params.smallest_block() {
        cx.heap.cut(index, size);
    }
}

/// R7: nothing fits. A free last block is extended by what is missing, otherwise a new one is added. `None` if refused.
pub fn grow(rules: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
    match cx.heap.last() {
        Some(last) if cx.heap.is_free(last) && rules.can_extend(cx, last) => {
            rules.extend(cx, last, size).then_some(last)
        }
        _ => rules.append(cx, size),
    }
}

/// R16: whether the heap can grow behind this block: it is the last, and the break is where the allocator put it.
pub fn can_extend(_rules: Rules<'_>, cx: &Cx<'_>, index: usize) -> bool {
    cx.heap.at_break(index)
}

/// R7, R12: moves the break by exactly what a block lacks. False if refused (R15), and nothing has changed.
pub fn extend(_rules: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) -> bool {
    let missing = size.wrapping_sub(cx.heap.blocks[index].size);
    let granted = cx.move_break(missing.cast_signed());
    if granted {
        cx.heap.blocks[index].size = size;
    }
    granted
}

/// R7, R16: a new free block of exactly `size` bytes at the break, aligned up. `None` if refused, or if someone has moved the
/// break down into the heap.
pub fn append(_rules: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
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
pub fn map(_rules: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Address {
    let Some(start) = cx.map(cx.heap.params.header + size) else { return NULL };
    cx.heap.mappings.push(Block { start, size, status: Status::Alloc });
    start + cx.heap.params.header
}

/// R8: a heap block is marked, a mapping is unmapped.
pub fn release(rules: Rules<'_>, cx: &mut Cx<'_>, found: Found) {
    match found {
        Found::Heap(index) => rules.release_block(cx, index),
        Found::Mapping(index) => rules.release_mapping(cx, index),
    }
}

/// R8: marked FREE, no system call.
pub fn release_block(_rules: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
    cx.heap.blocks[index].status = Status::Free;
}

/// R8: one munmap of the whole length.
pub fn release_mapping(_rules: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
    let Block { start, size, .. } = cx.heap.mappings.remove(index);
    cx.unmap(start, cx.heap.params.header + size);
}

/// R10: what a pointer may be resized as: a live block of ours, by its exact payload.
pub fn resizable(_rules: Rules<'_>, cx: &mut Cx<'_>, pointer: Address) -> Option<Found> {
    cx.heap.live(pointer)
}

/// R14: what a pointer may be freed as: the same.
pub fn freeable(_rules: Rules<'_>, cx: &mut Cx<'_>, pointer: Address) -> Option<Found> {
    cx.heap.live(pointer)
}

/// R11 and R12: a heap block for a heap request.
pub fn resize(rules: Rules<'_>, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
    resize::on_the_heap(rules, cx, index, bytes)
}

/// R11: a block that needs no more than it has stays, and is split by R6.
pub fn shrink(rules: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
    rules.split(cx, index, size);
}

/// R12 (a): whether a block that grows is extended by a move of the break.
pub fn extends_last(rules: Rules<'_>, cx: &Cx<'_>, index: usize) -> bool {
    rules.can_extend(cx, index)
}

/// R12 (a): extends it, by exactly what is missing. False if refused.
pub fn extend_resized(rules: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) -> bool {
    rules.extend(cx, index, size)
}

/// R12 (b): absorbs the free blocks behind one at a time, until it fits. Returns the block's index.
pub fn absorb(rules: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) -> usize {
    while cx.heap.blocks[index].size < size && rules.next_is_free(cx.heap, index) && joined(rules, cx.heap, index) {}
    let has = cx.heap.blocks[index].size;
    if (size..size + cx.heap.params.smallest_block()).contains(&has) && rules.next_is_free(cx.heap, index) {
        // Too little remains to be cut off, unless what comes next was merged with it before.
        cx.heap.consult(Point::O6);
        if cx.heap.readings.merging == Merging::Early {
            rules.join(cx.heap, index);
        }
    }
    index
}

/// R12 (b): what was absorbed beyond the request is split off by R6.
pub fn split_grown(rules: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
    rules.split(cx, index, size);
}

/// R12: a heap block for a mapped request: it moves to a mapping (O3).
pub fn heap_to_mapping(rules: Rules<'_>, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
    resize::to_mapping(rules, cx, index, bytes)
}

/// R13: a mapping stays where it is only if its size stays the same (O5).
pub fn resize_mapping(rules: Rules<'_>, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
    resize::mapping(rules, cx, index, bytes)
}

/// R12 (c), R13: a new block by R3, the contents copied, the old one released. NULL if refused, and the old one stays (R15).
pub fn relocate(rules: Rules<'_>, cx: &mut Cx<'_>, payload: Address, bytes: u64) -> Address {
    let function = resize::moves_as(rules, cx, bytes);
    let new = rules.allocate(cx, function, bytes);
    resize::hand_over(rules, cx, [payload, new], bytes);
    new
}

/// R17: calloc writes zeros over the payload; nothing that shows here.
pub fn zero(_rules: Rules<'_>, _cx: &mut Cx<'_>, _index: usize) {}

/// R17: realloc copies `min(old size, bytes)`; nothing that shows here.
pub fn copy(_rules: Rules<'_>, _cx: &mut Cx<'_>, _from: Found, _bytes: u64) {}

/// Makes the system calls of the constructor: none.
pub fn load(_rules: Rules<'_>, _cx: &mut Cx<'_>) {}
