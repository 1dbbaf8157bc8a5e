//! After a divergence: the model takes over what was seen, so that one mistake is not reported with every call that follows.

use crate::call::{Address, NULL, Request, System, UNSEEN};
use crate::heap::{Block, Found, Heap, Status};
use crate::rules::Rules;
use crate::run::Call;

/// Changes `heap`, which did what was expected, as far as can be known into what `seen` left.
///
/// `released` holds the payloads that were freed before.
pub fn resync(heap: &mut Heap, expected: &Call, seen: &Call, (break_before, released): (Address, &[Address])) {
    let passed_over = pass_over(heap, expected, seen, released);
    take_over_break(heap, seen, break_before);
    take_over_mappings(heap, seen);
    let result = seen.result.unwrap_or(NULL);
    if expected.result == Some(result) {
        return;
    }
    let pointer = match seen.request {
        Request::Realloc { pointer, .. } => pointer,
        _ => NULL,
    };
    // The block that the model gave is not the program's, except where a resize failed and left it.
    let given = expected.result.unwrap_or(NULL);
    if given != NULL && !passed_over && !(result == NULL && given == pointer) {
        set_status(heap, given, Status::Free);
    }
    if result == NULL {
        set_status(heap, pointer, Status::Alloc);
        return;
    }
    let wanted = match seen.request {
        Request::Malloc { size } | Request::Realloc { size, .. } => size,
        Request::Calloc { nmemb, size } => nmemb.wrapping_mul(size),
        Request::Free { .. } => return,
    };
    occupy(heap, result, heap.params.align(wanted.min(1 << 40)));
}

/// Gives up the block that the model gave if the heap grew instead, and returns whether it did: the library does not know of that block.
fn pass_over(heap: &mut Heap, expected: &Call, seen: &Call, released: &[Address]) -> bool {
    let grew = |event: &System| matches!(event, System::Brk { to, now } if to == now);
    let stays = matches!(seen.request, Request::Realloc { pointer, .. } if expected.result == Some(pointer));
    let given = expected.result.filter(|given| *given != NULL && !stays);
    let Some(given) = given.filter(|_| expected.asked.is_empty() && seen.asked.iter().any(grew)) else { return false };
    set_status(heap, given, Status::Free);
    lose(heap, given, released);
    true
}

/// Gives up the free block at `payload`, which the library passed over, unless several freed blocks lie in it.
///
/// A rest that lies behind a block in use was never split off; a block that was freed is still in use for the library.
fn lose(heap: &mut Heap, payload: Address, released: &[Address]) {
    // With what the model has just cut off from it.
    Rules::CONTRACT.merge(heap);
    let holds = |index: &usize| heap.is_free(*index) && (heap.payload(*index)..heap.end(*index)).contains(&payload);
    let Some(index) = (0..heap.blocks.len()).find(holds) else { return };
    let (start, end) = (heap.blocks[index].start, heap.end(index));
    let inside = released.iter().filter(|address| (start..end).contains(address)).count();
    if inside > 1 {
        return;
    }
    let behind =
        index.checked_sub(1).filter(|before| inside == 0 && !heap.is_free(*before) && heap.end(*before) == start);
    match behind {
        Some(before) => heap.absorb_next(before),
        None => heap.blocks[index].status = Status::Alloc,
    }
}

fn set_status(heap: &mut Heap, payload: Address, status: Status) {
    if let Some(Found::Heap(index)) = heap.find(payload) {
        heap.blocks[index].status = status;
    }
}

/// The break is where it was seen; blocks beyond it are gone, bytes below it that belong to no block are a free one.
fn take_over_break(heap: &mut Heap, seen: &Call, break_before: Address) {
    let moved = seen.asked.iter().rev().find_map(|event| match event {
        System::Brk { now, .. } => Some(*now),
        _ => None,
    });
    heap.brk = moved.unwrap_or(break_before);
    let (brk, header) = (heap.brk, heap.params.header);
    heap.blocks.retain(|block| block.start + header < brk);
    if let Some(last) = heap.last()
        && heap.end(last) > brk
    {
        heap.blocks[last].size = brk - heap.payload(last);
    }
    let end = heap.last().map_or(break_before, |last| heap.end(last));
    if moved.is_some() && brk >= end + heap.params.smallest_block() {
        heap.blocks.push(Block { start: end, size: brk - end - header, status: Status::Free });
    }
}

fn take_over_mappings(heap: &mut Heap, seen: &Call) {
    let header = heap.params.header;
    // What was seen has an address of its own; what the model mapped unseen has none.
    let is_seen = |block: &Block| block.start < UNSEEN;
    heap.mappings.retain(is_seen);
    for event in &seen.asked {
        match *event {
            System::Map { length, start: Some(start), .. }
                if heap.mappings.iter().all(|block| block.start != start) =>
            {
                heap.mappings.push(Block { start, size: length.saturating_sub(header), status: Status::Alloc });
                if matches!(seen.request, Request::Calloc { .. }) {
                    heap.note_calloc(start);
                }
            }
            System::Unmap { start, .. } => heap.mappings.retain(|block| block.start != start),
            System::Remap { start, length, to: Some(to) } => {
                heap.mappings.retain(|block| block.start != start);
                heap.mappings.push(Block { start: to, size: length.saturating_sub(header), status: Status::Alloc });
            }
            _ => {}
        }
    }
}

/// A block of `size` bytes is in use at `payload`, carved out of the free block that lies there.
fn occupy(heap: &mut Heap, payload: Address, size: u64) {
    let Some(start) = payload.checked_sub(heap.params.header) else { return };
    // Whether early or late, it was given out of all that lies free together.
    Rules::CONTRACT.merge(heap);
    let around = (0..heap.blocks.len()).find(|index| (heap.blocks[*index].start..heap.end(*index)).contains(&start));
    let Some(mut index) = around.filter(|index| payload <= heap.end(*index)) else { return };
    if heap.blocks[index].start != start {
        let Some(below) = start.checked_sub(heap.payload(index)).filter(|_| heap.is_free(index)) else { return };
        heap.cut(index, below);
        index += 1;
    }
    let block = &mut heap.blocks[index];
    block.status = Status::Alloc;
    if block.size >= size + heap.params.smallest_block() {
        heap.cut(index, size);
    }
}
