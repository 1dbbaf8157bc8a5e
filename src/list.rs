//! A doubly linked list of blocks: the only place where links and sizes change.
//!
//! The heap keeps one in address order, the mappings another. Each change is one short step: first every number is
//! known, then the links are written, and between the two nothing can fail.
#![expect(unsafe_code, reason = "headers are raw memory")]

use crate::block::{Block, Header, Status};
use crate::size::{ALIGNMENT, HEADER, SMALLEST_BLOCK};
use crate::sys::Memory;
use std::iter;
use std::ptr::NonNull;

/// Blocks linked by their headers.
#[derive(Debug)]
pub struct List {
    first: Option<Block>,
    last: Option<Block>,
    count: usize,
}

impl List {
    /// No blocks.
    pub(crate) const fn new() -> Self {
        Self { first: None, last: None, count: 0 }
    }

    /// The block at the beginning.
    pub(crate) const fn first(&self) -> Option<Block> {
        self.first
    }

    /// The block at the end.
    pub(crate) const fn last(&self) -> Option<Block> {
        self.last
    }

    /// The number of blocks.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// From the beginning to the end. The list cannot change meanwhile.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Block> {
        iter::successors(self.first, |block| block.next())
    }

    /// The block whose payload begins at `payload`. Reads only headers of the list.
    pub(crate) fn find(&self, payload: usize) -> Option<Block> {
        self.iter().find(|block| block.payload().addr().get() == payload)
    }

    /// Makes all of `memory` one block at the end of the list. `memory` must be aligned and hold more than a header.
    pub(crate) fn push(&mut self, memory: Memory, status: Status) -> Block {
        debug_assert!(memory.length() >= SMALLEST_BLOCK && memory.address().is_multiple_of(ALIGNMENT), "H3");
        let header = Header { size: memory.length() - HEADER, status, prev: self.last, next: None };
        // SAFETY: `memory` is ours from here on, aligned and large enough for a header.
        let block = unsafe { write(memory.start(), header) };
        match self.last {
            Some(last) => set_next(last, Some(block)),
            None => self.first = Some(block),
        }
        self.last = Some(block);
        self.count += 1;
        block
    }

    /// Adds `memory` to the end of `block`. It must begin where the block ends.
    pub(crate) fn extend(&mut self, block: Block, memory: Memory) {
        debug_assert_eq!(memory.address(), block.end(), "H2");
        set_size(block, block.size() + memory.length());
    }

    /// R6: cuts `block` down to `size` bytes of payload and makes the rest a free block right behind it, if the rest is
    /// large enough to be one. `size` is a multiple of 8 and at most the block's.
    pub(crate) fn split(&mut self, block: Block, size: usize) {
        let rest = block.size() - size;
        if rest < SMALLEST_BLOCK {
            return;
        }
        let next = block.next();
        let header = Header { size: rest - HEADER, status: Status::FREE, prev: Some(block), next };
        // SAFETY: H1, at least SMALLEST_BLOCK bytes of the block's own payload lie behind its first `size`, which is
        // aligned (H3).
        let cut = unsafe { write(block.payload().add(size), header) };
        set_size(block, size);
        set_next(block, Some(cut));
        match next {
            Some(next) => set_prev(next, Some(cut)),
            None => self.last = Some(cut),
        }
        self.count += 1;
    }

    /// Merges the next block into `block`, if it is free and adjacent; `false` if it is not.
    ///
    /// Across a foreign break two neighbours in the list are not adjacent in memory, and are never merged (R16).
    pub(crate) fn merge_next(&mut self, block: Block) -> bool {
        let Some(next) = block.next() else { return false };
        if next.status() != Status::FREE || next.address() != block.end() {
            return false;
        }
        let behind = next.next();
        set_size(block, block.size() + HEADER + next.size());
        set_next(block, behind);
        match behind {
            Some(behind) => set_prev(behind, Some(block)),
            None => self.last = Some(block),
        }
        self.count -= 1;
        true
    }

    /// Takes `block` out of the list and returns the memory it lay in, header included.
    pub(crate) fn remove(&mut self, block: Block) -> Memory {
        let (prev, next) = (block.prev(), block.next());
        match prev {
            Some(prev) => set_next(prev, next),
            None => self.first = next,
        }
        match next {
            Some(next) => set_prev(next, prev),
            None => self.last = prev,
        }
        self.count -= 1;
        // SAFETY: H1, the block's bytes are ours, and with its header out of the list nobody else knows them.
        unsafe { Memory::new(block.header().cast(), HEADER + block.size()) }
    }
}

/// Writes a header; the only way a [`Block`] comes to be.
///
/// # Safety
///
/// `place` must be aligned, and the bytes of the block that `header` describes must be ours alone.
unsafe fn write(place: NonNull<u8>, header: Header) -> Block {
    let place = place.cast::<Header>();
    // SAFETY: the caller vouches for the place; the header stands there from now on.
    unsafe {
        place.write(header);
        Block::at(place)
    }
}

fn set_size(block: Block, size: usize) {
    // SAFETY: H1, a `Block` is the place of a header of ours.
    unsafe { (*block.header().as_ptr()).size = size }
}

fn set_prev(block: Block, prev: Option<Block>) {
    // SAFETY: as in `set_size`.
    unsafe { (*block.header().as_ptr()).prev = prev }
}

fn set_next(block: Block, next: Option<Block>) {
    // SAFETY: as in `set_size`.
    unsafe { (*block.header().as_ptr()).next = next }
}
