//! How blocks are resized (R11 to R13), with what the contract leaves open there: O1, O3, O4, O5, and R15 after absorbing.

use super::Rules;
use crate::call::{Address, Function, NULL};
use crate::cx::Cx;
use crate::heap::Found;
use crate::params::LARGEST;
use crate::readings::{Absorbed, BecameLast, Edge, Moving, Point, Remapping, ToMapping};

/// More than any heap can be extended by: O3 leaves nothing open there.
const BEYOND_ANY_HEAP: u64 = 1 << 40;

/// R11 and R12 for a heap block that stays or moves on the heap.
pub fn on_the_heap(rules: Rules<'_>, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
    let (size, payload) = (rules.align(cx, bytes), cx.heap.payload(index));
    let had = cx.heap.blocks[index].size;
    if size <= had {
        rules.shrink(cx, index, size); // R11
        return payload;
    }
    if rules.extends_last(cx, index) {
        return if rules.extend_resized(cx, index, size) { payload } else { NULL }; // R12 (a)
    }
    let index = rules.absorb(cx, index, size); // R12 (b)
    let payload = cx.heap.payload(index);
    if cx.heap.blocks[index].size >= size {
        rules.split_grown(cx, index, size);
        return payload;
    }
    let new = if rules.can_extend(cx, index) && became_last_extends(cx, size) {
        if rules.extend(cx, index, size) { payload } else { NULL } // O4
    } else {
        rules.relocate(cx, payload, bytes) // R12 (c)
    };
    if new == NULL {
        cut_off_again(cx, payload, had); // R15
    }
    new
}

/// R12 for a heap block and a mapped request.
pub fn to_mapping(rules: Rules<'_>, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
    let (size, payload, had) = (rules.align(cx, bytes), cx.heap.payload(index), cx.heap.blocks[index].size);
    let mut end = index;
    while rules.next_is_free(cx.heap, end) {
        end += 1;
    }
    let can_stay = size <= had || end > index || rules.can_extend(cx, index);
    if !can_stay || bytes > BEYOND_ANY_HEAP {
        return rules.relocate(cx, payload, bytes);
    }
    cx.heap.consult(Point::O3);
    let fits = cx.heap.end(end) >= payload + size;
    match cx.heap.readings.to_mapping {
        ToMapping::LastStays if rules.can_extend(cx, index) => return rules.resize(cx, index, bytes),
        ToMapping::Grows if fits => return rules.resize(cx, index, bytes),
        ToMapping::AsHeap => return rules.resize(cx, index, bytes),
        ToMapping::BecomesLast if rules.can_extend(cx, end) => {
            join_all(rules, cx, index, end);
            let new = rules.resize(cx, index, bytes);
            if new == NULL {
                cut_off_again(cx, payload, had); // R15
            }
            return new;
        }
        ToMapping::Absorbs => join_all(rules, cx, index, end),
        _ => {}
    }
    let new = rules.relocate(cx, payload, bytes);
    if new == NULL {
        cut_off_again(cx, payload, had); // R15
    }
    new
}

/// R13 for a mapping, with O5.
pub fn mapping(rules: Rules<'_>, cx: &mut Cx<'_>, index: usize, bytes: u64) -> Address {
    let size = rules.align(cx, bytes);
    let (start, had) = (cx.heap.mappings[index].start, cx.heap.mappings[index].size);
    let payload = start + cx.heap.params.header;
    let (equal, of_calloc) = (size == had, cx.heap.callocs.contains(&start));
    if equal || of_calloc {
        cx.heap.consult(Point::O5);
        match cx.heap.readings.remapping {
            Remapping::Rule if equal => return payload,
            Remapping::Rule | Remapping::Moves => {}
            Remapping::StaysMapping => {
                let new = rules.map(cx, size);
                hand_over(rules, cx, [payload, new], bytes);
                if of_calloc && new != NULL {
                    cx.heap.note_calloc(new - cx.heap.params.header);
                }
                return new;
            }
        }
    }
    rules.relocate(cx, payload, bytes)
}

/// O1: whose threshold decides where a resized block moves.
pub fn moves_as(rules: Rules<'_>, cx: &mut Cx<'_>, bytes: u64) -> Function {
    let params = cx.heap.params;
    let at = |edge: Edge| edge.maps(&params, bytes, params.mmap_threshold);
    if bytes <= LARGEST
        && at(Edge::Need) != at(Edge::PayloadAbove)
        && rules.is_mapped(cx, Function::Malloc, bytes) != rules.is_mapped(cx, Function::Realloc, bytes)
    {
        cx.heap.consult(Point::O1Moving);
        if cx.heap.readings.moving == Moving::Malloc {
            return Function::Malloc;
        }
    }
    Function::Realloc
}

/// R12 (c), R13, R17: the contents go from the old block to the new one, and the old one is released. Nothing if there is no new one.
pub fn hand_over(rules: Rules<'_>, cx: &mut Cx<'_>, [old, new]: [Address; 2], bytes: u64) {
    // A search may have merged blocks in front of the old one: another index, the same address.
    if let Some(found) = cx.heap.find(old).filter(|_| new != NULL) {
        rules.copy(cx, found, bytes);
        rules.release(cx, found);
    }
}

/// Absorbs all blocks from the one behind `index` up to `end`.
fn join_all(rules: Rules<'_>, cx: &mut Cx<'_>, index: usize, end: usize) {
    for _ in index..end {
        rules.join(cx.heap, index);
    }
}

/// O4: whether a block that became the last one by absorbing is extended.
fn became_last_extends(cx: &mut Cx<'_>, size: u64) -> bool {
    cx.heap.consult(Point::O4);
    match cx.heap.readings.became_last {
        BecameLast::Moves => false,
        BecameLast::Extends => true,
        BecameLast::ExtendsUnlessFits => {
            let mut merged = cx.heap.clone();
            Rules::CONTRACT.merge(&mut merged);
            merged.fitting(size).next().is_none()
        }
    }
}

/// R15: a block that could not move keeps what it has absorbed, or has its old size again.
fn cut_off_again(cx: &mut Cx<'_>, payload: Address, had: u64) {
    let Some(Found::Heap(index)) = cx.heap.live(payload) else { return };
    if cx.heap.blocks[index].size < had + cx.heap.params.smallest_block() {
        return;
    }
    cx.heap.consult(Point::R15);
    if cx.heap.readings.absorbed == Absorbed::CutOff {
        cx.heap.cut(index, had);
    }
}
