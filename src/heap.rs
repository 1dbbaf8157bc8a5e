//! The heap: the blocks between the first break and the last (R4 to R8, R11, R12, R16).

use crate::block::{Block, Status};
use crate::list::List;
use crate::size::{ALIGNMENT, HEADER, PREALLOCATION};
use crate::sys::Sys;

/// The blocks of the heap in address order.
///
/// # Invariants
///
/// They hold for the whole allocator between any two calls. [`check`](crate::check) finds a breach of all but the
/// first, which cannot be seen from inside: it is what the `SAFETY` comments lean on.
///
/// - **H1 ours.** Every header and payload lies in memory that the system gave to this allocator and has not got back.
/// - **H2 order.** The heap's blocks ascend: each ends at or before the next begins. Where it ends before, there was a
///   foreign break.
/// - **H3 aligned.** Every block's address and size is a multiple of 8, and no payload is empty.
/// - **H4 status.** A block in the heap's list is FREE or ALLOC, one in the mappings' list is MAPPED.
/// - **H5 break.** The last block ends at or below the break (unless a foreigner moved the break down).
/// - **H6 links.** In both lists `prev` and `next` of neighbours agree, and as many blocks are linked as are counted.
/// - **H7 apart.** A mapping begins at a page boundary and overlaps neither another mapping nor a block of the heap.
#[derive(Debug)]
pub struct Heap {
    blocks: List,
}

/// How an attempt to resize a block in its place ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resized {
    /// The block is large enough now.
    InPlace,
    /// It cannot become large enough where it is (R12 c).
    MustMove,
    /// The system refused to move the break (R15).
    Refused,
}

impl Heap {
    /// A heap that has not asked the system for anything yet.
    pub(crate) const fn new() -> Self {
        Self { blocks: List::new() }
    }

    /// The blocks, for walking.
    pub(crate) const fn blocks(&self) -> &List {
        &self.blocks
    }

    /// The block whose payload begins at `payload`, allocated or free.
    pub(crate) fn find(&self, payload: usize) -> Option<Block> {
        let (first, last) = (self.blocks.first()?, self.blocks.last()?);
        if payload < first.address() || payload >= last.end() {
            return None;
        }
        self.blocks.find(payload)
    }

    /// An allocated block of at least `size` bytes (R4 to R7); `None` if the system refused, with the heap as it was
    /// (R15).
    pub(crate) fn allocate(&mut self, sys: &mut impl Sys, size: usize) -> Option<Block> {
        if self.blocks.last().is_none() {
            self.append(sys, PREALLOCATION - HEADER)?; // R4
        }
        self.merge_all();
        let block = match self.best_fit(size) {
            Some(block) => block,
            None => self.grow(sys, size)?,
        };
        self.blocks.split(block, size);
        block.set_status(Status::ALLOC);
        Some(block)
    }

    /// R8. The block stays where it is; merging waits for the next search.
    pub(crate) fn free(&mut self, block: Block) {
        block.set_status(Status::FREE);
    }

    /// R11, and R12 (a) and (b): makes an allocated block `size` bytes large where it is, as far as that is possible.
    pub(crate) fn resize(&mut self, sys: &mut impl Sys, block: Block, size: usize) -> Resized {
        if size > block.size() {
            if self.can_extend(sys, block) {
                return match self.extend(sys, block, size) {
                    Some(()) => Resized::InPlace,
                    None => Resized::Refused,
                };
            }
            while block.size() < size && self.blocks.merge_next(block) {}
            if block.size() < size {
                return Resized::MustMove; // what was absorbed stays absorbed
            }
        }
        self.blocks.split(block, size);
        Resized::InPlace
    }

    /// R5: merges all adjacent free blocks.
    fn merge_all(&mut self) {
        let mut next = self.blocks.first();
        while let Some(block) = next {
            while block.status() == Status::FREE && self.blocks.merge_next(block) {}
            next = block.next(); // only now: what was merged is no block any more
        }
    }

    /// R5: the smallest free block of at least `size` bytes, and of several the one at the lowest address.
    fn best_fit(&self, size: usize) -> Option<Block> {
        self.blocks
            .iter()
            .filter(|block| block.status() == Status::FREE && block.size() >= size)
            .min_by_key(|block| block.size())
    }

    /// R7: a free block of at least `size` bytes at the end of the heap, by one move of the break.
    fn grow(&mut self, sys: &mut impl Sys, size: usize) -> Option<Block> {
        match self.blocks.last() {
            Some(last) if last.status() == Status::FREE && self.can_extend(sys, last) => {
                self.extend(sys, last, size)?;
                Some(last)
            }
            _ => self.append(sys, size),
        }
    }

    /// Whether `block` is the last of the heap and the break still stands at its end (R16).
    fn can_extend(&self, sys: &impl Sys, block: Block) -> bool {
        self.blocks.last() == Some(block) && sys.current_break() == block.end()
    }

    /// Moves the break by exactly the bytes that `block`, which [`can_extend`](Self::can_extend), lacks.
    fn extend(&mut self, sys: &mut impl Sys, block: Block, size: usize) -> Option<()> {
        let memory = sys.move_break(size - block.size())?;
        if memory.address() != block.end() {
            return None; // moved by someone else in the same moment
        }
        self.blocks.extend(block, memory);
        Some(())
    }

    /// A new free block of exactly `size` bytes behind the break: where the heap ends, or beyond a foreign break (R16).
    ///
    /// Refused as well where the break stands below the heap's end: whoever moved it there has taken our memory away.
    fn append(&mut self, sys: &mut impl Sys, size: usize) -> Option<Block> {
        let start = sys.current_break();
        if self.blocks.last().is_some_and(|last| start < last.end()) {
            return None;
        }
        let padding = start.next_multiple_of(ALIGNMENT) - start;
        let memory = sys.move_break(padding + HEADER + size)?;
        if memory.address() != start {
            return None; // moved by someone else in the same moment
        }
        Some(self.blocks.push(memory.skip(padding), Status::FREE))
    }
}
