//! A doubly linked list of blocks: the only place where the links and sizes of the heap's blocks change.
//!
//! Each change is one short step: first every number is known, then the links are written, and between the two nothing
//! can fail.
#![expect(unsafe_code, reason = "headers are raw memory")]

use crate::block::{Base, Block, Header};
use crate::sys::Memory;
use std::iter;
use std::ptr::NonNull;

/// Blocks linked by their headers, in address order.
#[derive(Debug)]
pub struct List<H> {
    base: Base,
    first: Option<Block<H>>,
    last: Option<Block<H>>,
    count: usize,
}

impl<H: Header> List<H> {
    /// No blocks.
    pub(crate) const fn new() -> Self {
        Self { base: Base::NONE, first: None, last: None, count: 0 }
    }

    /// Where numbers count from: the first block there ever was.
    #[inline]
    pub(crate) const fn base(&self) -> Base {
        self.base
    }

    /// The block at the beginning.
    #[inline]
    pub(crate) const fn first(&self) -> Option<Block<H>> {
        self.first
    }

    /// The block at the end.
    #[inline]
    pub(crate) const fn last(&self) -> Option<Block<H>> {
        self.last
    }

    /// The number of blocks.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// The neighbour towards the beginning.
    #[inline]
    pub(crate) fn prev(&self, block: Block<H>) -> Option<Block<H>> {
        block.prev(self.base)
    }

    /// The neighbour towards the end.
    #[inline]
    pub(crate) fn next(&self, block: Block<H>) -> Option<Block<H>> {
        block.next(self.base)
    }

    /// Whether `payload` lies between the first payload and the end of the last.
    #[inline]
    pub(crate) fn spans(&self, payload: usize) -> bool {
        self.last.is_some_and(|last| payload < last.end()) && payload >= self.base.address().wrapping_add(H::BYTES)
    }

    /// What stands where the header of a block with this payload would be, if the list spans it: a header, or anything
    /// else that lies there.
    #[inline]
    pub(crate) fn candidate(&self, payload: NonNull<u8>) -> Option<Block<H>> {
        let address = payload.addr().get();
        if !address.is_multiple_of(H::ALIGNMENT) || !self.spans(address) {
            return None;
        }
        // The address is the caller's, the right to read there is ours.
        let place = self.base.at_address(address - H::BYTES).cast::<H>();
        // SAFETY: it can be read: it lies in a block of ours (H1), or in the bytes of whoever moved the break up in
        // between. All bytes are valid headers, and what is not one of ours is only looked at.
        Some(unsafe { Block::at(place) })
    }

    /// From the beginning to the end. The list cannot change meanwhile.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Block<H>> {
        iter::successors(self.first, |block| self.next(*block))
    }

    /// Makes all of `memory` one free block at the end of the list. `memory` must be aligned and hold more than a header.
    pub(crate) fn push(&mut self, memory: Memory) -> Block<H> {
        debug_assert!(memory.length() >= H::SMALLEST_BLOCK && memory.address().is_multiple_of(H::ALIGNMENT), "H3");
        // SAFETY: `memory` is ours from here on, aligned and large enough for a header.
        let block =
            unsafe { Block::write_free(memory.start(), memory.length() - H::BYTES, (self.last, None), self.base) };
        match self.last {
            Some(last) => last.set_next(Some(block), self.base),
            None => {
                self.first = Some(block);
                self.base = Base::at(block.start());
            }
        }
        self.last = Some(block);
        self.count += 1;
        block
    }

    /// Adds `memory` to the end of `block`. It must begin where the block ends.
    pub(crate) fn extend(&mut self, block: Block<H>, memory: Memory) {
        debug_assert_eq!(memory.address(), block.end(), "H2");
        let size = block.heap_size() + memory.length();
        block.set_size(size);
    }

    /// Takes `bytes` bytes from the end of the last block, which has more of them.
    pub(crate) fn shorten_last(&mut self, bytes: usize) {
        if let Some(last) = self.last {
            let size = last.heap_size() - bytes;
            last.set_size(size);
        }
    }

    /// R6: cuts `block` down to `size` bytes of payload and returns the rest, a free block right behind it, if the rest
    /// is large enough to be one. `size` is a multiple of the alignment and at most the block's.
    #[inline]
    pub(crate) fn split(&mut self, block: Block<H>, size: usize) -> Option<Block<H>> {
        let rest = block.heap_size() - size;
        if rest < H::SMALLEST_BLOCK {
            return None;
        }
        let next = self.next(block);
        // SAFETY: H1, at least SMALLEST_BLOCK bytes of the block's own payload lie behind its first `size`, which is
        // aligned (H3).
        let cut =
            unsafe { Block::write_free(block.payload().add(size), rest - H::BYTES, (Some(block), next), self.base) };
        block.set_size(size);
        block.set_next(Some(cut), self.base);
        match next {
            Some(next) => next.set_prev(Some(cut), self.base),
            None => self.last = Some(cut),
        }
        self.count += 1;
        Some(cut)
    }

    /// The next block, if it is free and adjacent, so that it can be merged into `block`.
    ///
    /// Across a foreign break two neighbours in the list are not adjacent in memory, and are never merged (R16). Nor is a
    /// block that does not point back: a program has written over its header.
    #[inline]
    pub(crate) fn mergeable_next(&self, block: Block<H>) -> Option<Block<H>> {
        self.next(block)
            .filter(|next| next.is_free() && next.address() == block.end() && self.prev(*next) == Some(block))
    }

    /// The previous block, if it is free and adjacent, so that `block` can be merged into it.
    #[inline]
    pub(crate) fn mergeable_prev(&self, block: Block<H>) -> Option<Block<H>> {
        self.prev(block).filter(|prev| prev.is_free() && prev.end() == block.address())
    }

    /// Merges `next`, the adjacent neighbour of `block`, into it, and returns how large that is now.
    #[inline]
    pub(crate) fn merge(&mut self, block: Block<H>, next: Block<H>) -> usize {
        debug_assert!(self.next(block) == Some(next) && block.end() == next.address(), "H2, H6");
        let behind = self.next(next);
        let size = block.heap_size() + H::BYTES + next.heap_size();
        block.set_size(size);
        block.set_next(behind, self.base);
        match behind {
            Some(behind) => behind.set_prev(Some(block), self.base),
            None => self.last = Some(block),
        }
        self.count -= 1;
        size
    }
}
