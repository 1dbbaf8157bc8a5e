//! Mistakes with requests: zero, overflow, routing (R1 to R3).

use super::{Hypothesis, Numbers, counting, other};
use crate::call::{Address, Function, NULL};
use crate::cx::Cx;
use crate::heap::{Found, Heap};
use crate::params::LARGEST;
use crate::rules::{Patch, Rules};
use crate::run::{Check, End, Trouble};

pub const ALL: &[Hypothesis] = &[
    other("zero-gets-a-block", &ZeroGetsBlock),
    other("calloc-overflow-unchecked", &CallocOverflow),
    other("overflow-unchecked", &OverflowUnchecked),
    other("maps-everything", &MapsEverything),
    other("maps-nothing", &MapsNothing),
    counting("threshold-wrong-function", Numbers::OneThreshold),
    other("threshold-wrong-function", &ReallocLikeCalloc),
    other("threshold-wrong-function", &MallocLikeCalloc),
    other("calloc-threshold-header-left-out", &CallocCountsPayload),
    counting("threshold-wrong-value", Numbers::SeenThreshold),
    other("calloc-not-zeroed", &NotZeroed),
    other("calloc-zeroes-too-much", &ZeroesTooMuch),
    other("wrong-null", &AlwaysNull),
];

/// os_malloc(0) is os_malloc(1).
struct ZeroGetsBlock;

impl Patch for ZeroGetsBlock {
    fn malloc(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Address {
        next.top().allocate(cx, Function::Malloc, size.max(1))
    }
}

struct CallocOverflow;

impl Patch for CallocOverflow {
    fn calloc(&self, next: Rules<'_>, cx: &mut Cx<'_>, nmemb: u64, size: u64) -> Address {
        if nmemb == 0 || size == 0 {
            return NULL;
        }
        next.top().allocate(cx, Function::Calloc, nmemb.wrapping_mul(size))
    }
}

/// Header and rounding are added to any size, and wrap around.
struct OverflowUnchecked;

impl Patch for OverflowUnchecked {
    fn allocate(&self, next: Rules<'_>, cx: &mut Cx<'_>, function: Function, size: u64) -> Address {
        if size <= LARGEST {
            return next.allocate(cx, function, size);
        }
        let params = cx.heap.params;
        let aligned = size.wrapping_add(params.alignment - 1) / params.alignment * params.alignment;
        let need = params.header.wrapping_add(aligned);
        let threshold = if function == Function::Calloc { params.calloc_threshold } else { params.mmap_threshold };
        if need < threshold {
            return next.top().take(cx, aligned.min(need)).map_or(NULL, |index| cx.heap.payload(index));
        }
        // No address space holds it.
        cx.map(need).unwrap_or(NULL)
    }

    fn realloc(&self, next: Rules<'_>, cx: &mut Cx<'_>, pointer: Address, size: u64) -> Address {
        match next.top().resizable(cx, pointer) {
            Some(_) if size > LARGEST => next.top().relocate(cx, pointer, size),
            _ => next.realloc(cx, pointer, size),
        }
    }
}

struct MapsEverything;

impl Patch for MapsEverything {
    fn is_mapped(&self, _next: Rules<'_>, _cx: &mut Cx<'_>, _function: Function, _size: u64) -> bool {
        true
    }
}

struct MapsNothing;

impl Patch for MapsNothing {
    fn is_mapped(&self, _next: Rules<'_>, _cx: &mut Cx<'_>, _function: Function, _size: u64) -> bool {
        false
    }
}

struct ReallocLikeCalloc;

impl Patch for ReallocLikeCalloc {
    fn is_mapped(&self, next: Rules<'_>, cx: &mut Cx<'_>, function: Function, size: u64) -> bool {
        let function = if function == Function::Realloc { Function::Calloc } else { function };
        next.is_mapped(cx, function, size)
    }
}

struct MallocLikeCalloc;

impl Patch for MallocLikeCalloc {
    fn is_mapped(&self, next: Rules<'_>, cx: &mut Cx<'_>, _function: Function, size: u64) -> bool {
        next.is_mapped(cx, Function::Calloc, size)
    }
}

struct CallocCountsPayload;

impl Patch for CallocCountsPayload {
    fn is_mapped(&self, next: Rules<'_>, cx: &mut Cx<'_>, function: Function, size: u64) -> bool {
        let params = cx.heap.params;
        if function == Function::Calloc {
            params.align(size) >= params.calloc_threshold
        } else {
            next.is_mapped(cx, function, size)
        }
    }
}

struct NotZeroed;

impl Patch for NotZeroed {
    fn excuses(&self, trouble: &Trouble<'_>, _heap: &Heap) -> bool {
        *trouble.end == End::Check(Check::NotZero)
    }
}

/// As many bytes as the whole block has are zeroed from the payload on: the next header, too.
struct ZeroesTooMuch;

impl Patch for ZeroesTooMuch {
    fn zero(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        let adjacent = cx.heap.blocks.get(index + 1).is_some_and(|next| next.start == cx.heap.end(index));
        cx.heap.memo.corrupts = true;
        if adjacent {
            cx.heap.blocks.truncate(index + 2);
            cx.heap.blocks[index + 1].size = 0;
            next.top().release(cx, Found::Heap(index + 1));
        }
    }
}

/// A skeleton that was never filled in.
struct AlwaysNull;

impl Patch for AlwaysNull {
    fn malloc(&self, _next: Rules<'_>, _cx: &mut Cx<'_>, _size: u64) -> Address {
        NULL
    }

    fn calloc(&self, _next: Rules<'_>, _cx: &mut Cx<'_>, _nmemb: u64, _size: u64) -> Address {
        NULL
    }

    fn realloc(&self, _next: Rules<'_>, _cx: &mut Cx<'_>, _pointer: Address, _size: u64) -> Address {
        NULL
    }

    fn free(&self, _next: Rules<'_>, _cx: &mut Cx<'_>, _pointer: Address) {}
}
