//! Mistakes with sizes and splitting (R6, R17).

use super::state::{can_extend_last, next_in_list_is_free};
use super::{Hypothesis, Numbers, counting, other};
use crate::call::{Address, Function};
use crate::cx::Cx;
use crate::heap::{Block, Heap, Status};
use crate::rules::{Patch, Rules};

pub const ALL: &[Hypothesis] = &[
    other("no-split", &SplitsOnlyTheLast),
    other("no-split", &NeverSplits),
    other("split-too-eager", &SplitsForHeader),
    other("split-too-eager", &SplitsWithoutRoom),
    other("split-off-by-n", &SplitsFrom(8)),
    other("split-off-by-n", &SplitsFrom(16)),
    other("split-off-by-n", &SplitsFrom(24)),
    other("split-off-by-n", &SplitsFrom(32)),
    other("split-loses-header", &LosesHeader),
    other("split-too-early", &SplitsInside),
    other("split-loses-rest", &LosesRest),
    other("split-order", &AppendsRest),
    other("splits-from-the-end", &SplitsFromEnd),
    counting("misaligned", Numbers::Alignment(4)),
    counting("misaligned", Numbers::Alignment(1)),
    other("misaligned", &NotRounded),
    counting("rounded-otherwise", Numbers::Alignment(16)),
    counting("rounded-otherwise", Numbers::Alignment(32)),
    other("rounded-beyond", &RoundsBeyond),
    other("calloc-rounds-members", &RoundsMembers),
];

/// Splits the preallocation and the end of the heap, and gives any other block whole.
struct SplitsOnlyTheLast;

impl Patch for SplitsOnlyTheLast {
    fn split(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        if Some(index) == cx.heap.last() {
            next.split(cx, index, size);
        }
    }
}

struct NeverSplits;

impl Patch for NeverSplits {
    fn split(&self, _next: Rules<'_>, _cx: &mut Cx<'_>, _index: usize, _size: u64) {}
}

/// Splits when a header remains, be it with nothing behind.
struct SplitsForHeader;

impl Patch for SplitsForHeader {
    fn split(&self, _next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        if cx.heap.blocks[index].size >= size + cx.heap.params.header {
            cx.heap.cut(index, size);
        }
    }
}

/// Splits off any 8 bytes, without room for their header.
struct SplitsWithoutRoom;

impl Patch for SplitsWithoutRoom {
    fn split(&self, _next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        let rest = cx.heap.blocks[index].size.saturating_sub(size);
        let (header, alignment) = (cx.heap.params.header, cx.heap.params.alignment);
        if rest >= alignment && cx.heap.blocks[index].size > size {
            cx.heap.memo.corrupted |= rest < header;
            cut_as(cx.heap, index, size, rest.saturating_sub(header));
        }
    }
}

/// Cuts a block after `size` bytes, whatever is said of the rest.
fn cut_as(heap: &mut Heap, index: usize, size: u64, rest: u64) {
    heap.blocks[index].size = size;
    let start = heap.end(index);
    heap.blocks.insert(index + 1, Block { start, size: rest, status: Status::Free });
}

/// Splits only if so many bytes remain beyond a header and 8.
struct SplitsFrom(u64);

impl Patch for SplitsFrom {
    fn split(&self, _next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        if cx.heap.blocks[index].size >= size + cx.heap.params.smallest_block() + self.0 {
            cx.heap.cut(index, size);
        }
    }
}

/// The rest gets a size without its header being taken off, so that it overlaps what follows.
struct LosesHeader;

impl Patch for LosesHeader {
    fn split(&self, _next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        if cx.heap.blocks[index].size >= size + cx.heap.params.smallest_block() {
            let rest = cx.heap.blocks[index].size - size;
            let is_last = Some(index) == cx.heap.last();
            cut_as(cx.heap, index, size, rest);
            // The header is written over what follows, or beyond the break.
            cx.heap.memo.corrupted |= !is_last || cx.heap.payload(index + 1) > cx.heap.brk;
        }
    }
}

/// Puts the rest a header too early, into the payload in front of it.
struct SplitsInside;

impl Patch for SplitsInside {
    fn split(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        let before = cx.heap.blocks.len();
        next.split(cx, index, size);
        if cx.heap.blocks.len() > before {
            cx.heap.blocks[index + 1].start -= cx.heap.params.header;
            cx.heap.memo.exposed = true;
        }
    }

    fn next_is_free(&self, _next: Rules<'_>, heap: &Heap, index: usize) -> bool {
        next_in_list_is_free(heap, index)
    }

    fn can_extend(&self, next: Rules<'_>, cx: &Cx<'_>, index: usize) -> bool {
        can_extend_last(next, cx, index)
    }
}

/// The list ends with the rest.
struct LosesRest;

impl Patch for LosesRest {
    fn split(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        let before = cx.heap.blocks.len();
        next.split(cx, index, size);
        if cx.heap.blocks.len() > before {
            cx.heap.blocks.truncate(index + 2);
        }
    }
}

/// The rest goes to the end of the list.
struct AppendsRest;

impl Patch for AppendsRest {
    fn split(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        let before = cx.heap.blocks.len();
        next.split(cx, index, size);
        if cx.heap.blocks.len() > before {
            let rest = cx.heap.blocks.remove(index + 1);
            cx.heap.blocks.push(rest);
        }
    }
}

/// The far end of a free block is given, and its beginning stays free.
struct SplitsFromEnd;

impl Patch for SplitsFromEnd {
    fn hand_out(&self, _next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) -> usize {
        let mut index = index;
        let has = cx.heap.blocks[index].size;
        if has >= size + cx.heap.params.smallest_block() {
            cx.heap.cut(index, has - size - cx.heap.params.header);
            index += 1;
        }
        cx.heap.blocks[index].status = Status::Alloc;
        index
    }
}

/// Takes the size of a payload as it is asked for.
struct NotRounded;

impl Patch for NotRounded {
    fn align(&self, _next: Rules<'_>, _cx: &Cx<'_>, size: u64) -> u64 {
        size
    }
}

/// Adds 8 to a size that is a multiple of 8 already.
struct RoundsBeyond;

impl RoundsBeyond {
    fn round(cx: &Cx<'_>, size: u64) -> u64 {
        let alignment = cx.heap.params.alignment;
        (size / alignment).saturating_add(1).saturating_mul(alignment)
    }
}

impl Patch for RoundsBeyond {
    fn align(&self, _next: Rules<'_>, cx: &Cx<'_>, size: u64) -> u64 {
        Self::round(cx, size)
    }

    fn is_mapped(&self, next: Rules<'_>, cx: &mut Cx<'_>, function: Function, size: u64) -> bool {
        let size = Self::round(cx, size);
        next.is_mapped(cx, function, size)
    }
}

/// `os_calloc` rounds the size of each member up.
struct RoundsMembers;

impl Patch for RoundsMembers {
    fn calloc(&self, next: Rules<'_>, cx: &mut Cx<'_>, nmemb: u64, size: u64) -> Address {
        let size = cx.heap.params.align(size);
        next.calloc(cx, nmemb, size)
    }
}
