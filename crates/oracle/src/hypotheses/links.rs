//! Mistakes with the links between blocks that show some calls later (R5, R7).

use super::search::join_next;
use super::state::{can_extend_last, next_in_list_is_free};
use super::{Hypothesis, other};
use crate::call::Address;
use crate::cx::Cx;
use crate::heap::{Block, Heap, Status};
use crate::rules::{Patch, Rules};

pub const ALL: &[Hypothesis] = &[
    other("stale-links", &StaleLinks),
    other("stale-links", &StaleLinksInFree),
    other("stale-tail", &StaleTail(false)),
    other("stale-tail", &StaleTail(true)),
    other("stale-tag", &StaleTag),
];

/// A split does not tell the block behind that another one lies before it now; merging backwards then takes the wrong one.
struct StaleLinks;

impl Patch for StaleLinks {
    fn split(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        let before = cx.heap.blocks.len();
        next.split(cx, index, size);
        if cx.heap.blocks.len() > before
            && let Some(behind) = cx.heap.blocks.get(index + 2)
        {
            let link = (behind.start, cx.heap.blocks[index].start);
            cx.heap.memo.stale.push(link);
        }
    }

    fn join(&self, next: Rules<'_>, heap: &mut Heap, index: usize) {
        // The absorbed block is gone, and the one behind it is told.
        let told = [index + 1, index + 2].map(|place| heap.blocks.get(place).map(|block| block.start));
        heap.memo.stale.retain(|(block, _)| !told.contains(&Some(*block)));
        next.join(heap, index);
    }

    fn release_block(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        let Block { start, size, .. } = cx.heap.blocks[index];
        next.release_block(cx, index);
        let before = cx.heap.memo.stale.iter().find(|(block, _)| *block == start).map(|(_, before)| *before);
        let is_free = |block: &Block| Some(block.start) == before && block.status == Status::Free;
        let Some(before) = cx.heap.blocks.iter().position(is_free).filter(|before| *before < index) else { return };
        // The list goes on behind the freed block: what lies between is lost, and may be given again.
        cx.heap.blocks[before].size += cx.heap.params.header + size;
        for _ in before..index {
            cx.heap.blocks.remove(before + 1);
        }
    }

    fn next_is_free(&self, _next: Rules<'_>, heap: &Heap, index: usize) -> bool {
        next_in_list_is_free(heap, index)
    }

    fn can_extend(&self, next: Rules<'_>, cx: &Cx<'_>, index: usize) -> bool {
        can_extend_last(next, cx, index)
    }
}

/// The same, where blocks are merged in `os_free` alone: with the block behind, then by the link with the one before.
struct StaleLinksInFree;

impl Patch for StaleLinksInFree {
    fn before_search(&self, _next: Rules<'_>, _cx: &mut Cx<'_>) {}

    fn split(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        let before = cx.heap.blocks.len();
        StaleLinks.split(next, cx, index, size);
        if cx.heap.blocks.len() > before {
            join_next(next, cx.heap, index + 1);
        }
    }

    fn join(&self, next: Rules<'_>, heap: &mut Heap, index: usize) {
        StaleLinks.join(next, heap, index);
    }

    fn release_block(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        let start = cx.heap.blocks[index].start;
        next.release_block(cx, index);
        join_next(next, cx.heap, index);
        let link = cx.heap.memo.stale.iter().find(|(block, _)| *block == start).map(|(_, before)| *before);
        let before = match link {
            Some(link) => {
                let before = cx.heap.blocks.iter().position(|block| block.start == link);
                // The header of a block that is gone: it says that it is free.
                cx.heap.memo.corrupted |= before.is_none();
                before
            }
            None => index.checked_sub(1),
        };
        if let Some(before) = before.filter(|before| cx.heap.is_free(*before) && before + 1 < cx.heap.blocks.len()) {
            // By a stale link, that takes the block between: it may be in use.
            cx.heap.memo.corrupted |= !cx.heap.is_free(before + 1);
            next.top().join(cx.heap, before);
        }
    }
}

/// A merge leaves the size that the block behind keeps of the one in front of it, so that it finds its header no more.
struct StaleTag;

impl Patch for StaleTag {
    fn before_search(&self, _next: Rules<'_>, _cx: &mut Cx<'_>) {}

    fn split(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) {
        let before = cx.heap.blocks.len();
        next.split(cx, index, size);
        if cx.heap.blocks.len() > before {
            let told = cx.heap.blocks.get(index + 2).map(|block| block.start);
            cx.heap.memo.stale.retain(|(block, _)| Some(*block) != told);
            join_next(next, cx.heap, index + 1);
        }
    }

    fn join(&self, next: Rules<'_>, heap: &mut Heap, index: usize) {
        let absorbed = heap.blocks.get(index + 1).map(|block| block.start);
        heap.memo.stale.retain(|(block, _)| Some(*block) != absorbed);
        if let (Some(absorbed), Some(behind)) = (absorbed, heap.blocks.get(index + 2).map(|block| block.start)) {
            heap.memo.stale.retain(|(block, _)| *block != behind);
            heap.memo.stale.push((behind, absorbed));
        }
        next.join(heap, index);
    }

    fn release_block(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        let start = cx.heap.blocks[index].start;
        next.release_block(cx, index);
        join_next(next, cx.heap, index);
        if cx.heap.memo.stale.iter().any(|(block, _)| *block == start) {
            // It is merged with a header that is no block's any more, which may become the last one.
            cx.heap.memo.corrupted |= Some(index) == cx.heap.last();
        } else if let Some(before) = index.checked_sub(1).filter(|before| cx.heap.is_free(*before)) {
            next.top().join(cx.heap, before);
        }
    }
}

/// A split of the last block leaves the pointer to the last one at the part in use. With the flag a merge sets it right.
struct StaleTail(bool);

impl StaleTail {
    fn index(heap: &Heap) -> Option<usize> {
        let tail = heap.memo.tail?;
        heap.blocks.iter().position(|block| block.start == tail)
    }
}

impl Patch for StaleTail {
    fn append(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        let tail = Self::index(cx.heap);
        let new = next.append(cx, size)?;
        let start = cx.heap.blocks[new].start;
        cx.heap.memo.tail = Some(start);
        // The list goes on from the stale tail to the new block.
        if let Some(tail) = tail {
            let between: Vec<Block> = cx.heap.blocks.iter().take(new).skip(tail + 1).copied().collect();
            let (free, live): (Vec<Block>, Vec<Block>) =
                between.into_iter().partition(|block| block.status == Status::Free);
            cx.heap.memo.lost.extend(live.iter().map(|block| block.start));
            for block in &free {
                remove(cx.heap, block.start);
            }
        }
        cx.heap.blocks.iter().position(|block| block.start == start)
    }

    fn join(&self, next: Rules<'_>, heap: &mut Heap, index: usize) {
        if heap.memo.tail.is_some() && heap.blocks.get(index + 1).map(|block| block.start) == heap.memo.tail {
            heap.memo.tail = Some(heap.blocks[index].start);
        }
        next.join(heap, index);
        if self.0 && Some(index) == heap.last() {
            heap.memo.tail = Some(heap.blocks[index].start);
        }
    }

    fn grow(&self, next: Rules<'_>, cx: &mut Cx<'_>, size: u64) -> Option<usize> {
        match Self::index(cx.heap).filter(|tail| cx.heap.is_free(*tail)) {
            Some(tail) => next.top().extend(cx, tail, size).then_some(tail),
            None => next.top().append(cx, size),
        }
    }

    fn can_extend(&self, _next: Rules<'_>, cx: &Cx<'_>, index: usize) -> bool {
        cx.heap.memo.tail == Some(cx.heap.blocks[index].start)
    }

    fn extend(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize, size: u64) -> bool {
        // The bytes that are added lie at the break, and not behind the block.
        cx.heap.memo.corrupts |= Some(index) != cx.heap.last();
        next.extend(cx, index, size)
    }

    fn release_block(&self, next: Rules<'_>, cx: &mut Cx<'_>, index: usize) {
        let start = cx.heap.blocks[index].start;
        next.release_block(cx, index);
        if cx.heap.memo.lost.contains(&start) {
            remove(cx.heap, start);
        }
    }
}

/// Takes the block that begins there out of the list.
fn remove(heap: &mut Heap, start: Address) {
    if let Some(index) = heap.blocks.iter().position(|block| block.start == start) {
        heap.blocks.remove(index);
    }
}
