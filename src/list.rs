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
///
/// A *segment* is a run of blocks without a gap. A foreign break ends one and begins the next (R16); in between lies
/// memory that may not even be mapped.
#[derive(Debug)]
pub struct List<H> {
    base: Base,
    first: Option<Block<H>>,
    last: Option<Block<H>>,
    count: usize,
    /// The first block of the last segment.
    segment: Option<Block<H>>,
    /// The address of the first payload of the last segment, and the segment's end, which is that of the last block.
    start: usize,
    end: usize,
    closed: Closed<H>,
}

/// Closed segments that are listed, at most; an even number.
const LISTED: usize = 512;

/// A closed segment that is listed.
#[derive(Debug)]
struct Segment<H> {
    /// Address of the first header.
    start: usize,
    end: usize,
    /// The first block of the segment behind it, which is never merged into another.
    next: Block<H>,
}

impl<H> Clone for Segment<H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for Segment<H> {}

/// The segments before the last one: each of them as long as there is room, then each second, fourth and so on.
#[derive(Debug)]
struct Closed<H> {
    listed: [Option<Segment<H>>; LISTED],
    count: usize,
    /// One of that many segments is listed.
    stride: usize,
    /// Segments behind the last one that is listed.
    unlisted: usize,
}

impl<H: Header> Closed<H> {
    fn add(&mut self, segment: Segment<H>) {
        if self.count > 0 && self.unlisted + 1 < self.stride {
            self.unlisted += 1;
            return;
        }
        if self.count == LISTED {
            for index in 0..LISTED / 2 {
                self.listed[index] = self.listed[2 * index];
            }
            self.count = LISTED / 2;
            self.stride *= 2;
        }
        self.listed[self.count] = Some(segment);
        self.count += 1;
        self.unlisted = 0;
    }

    /// The last listed segment that begins before an address.
    fn before(&self, address: usize) -> Option<Segment<H>> {
        let listed = &self.listed[..self.count];
        let behind = listed.partition_point(|segment| segment.is_some_and(|segment| segment.start < address));
        behind.checked_sub(1).and_then(|index| listed[index])
    }
}

impl<H: Header> List<H> {
    /// No blocks.
    pub(crate) const fn new() -> Self {
        let closed = Closed { listed: [None; LISTED], count: 0, stride: 1, unlisted: 0 };
        Self { base: Base::NONE, first: None, last: None, count: 0, segment: None, start: 0, end: 0, closed }
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

    /// The address where the last block ends; 0 without blocks.
    #[inline]
    pub(crate) const fn end(&self) -> usize {
        self.end
    }

    /// The address of the last segment's first payload.
    #[inline]
    pub(crate) fn segment_start(&self) -> Option<usize> {
        self.segment.map(|_| self.start)
    }

    /// Returns whether `payload` lies in memory of the heap, so that the bytes in front of it can be read. Gaps between segments
    /// are not the heap's.
    #[inline]
    pub(crate) fn holds(&self, payload: usize) -> bool {
        if payload >= self.start { payload < self.end } else { self.is_in_closed(payload) }
    }

    #[cold]
    fn is_in_closed(&self, payload: usize) -> bool {
        let Some(segment) = self.closed.before(payload) else { return false };
        if payload < segment.end {
            return payload - segment.start >= H::BYTES;
        }
        // It may lie in one of those behind that found no room in the table: block by block until there.
        let behind = iter::successors(Some(segment.next), |block| self.next(*block));
        behind
            .take_while(|block| Some(*block) != self.segment)
            .find(|block| payload < block.end())
            .is_some_and(|block| payload.wrapping_sub(block.address()) >= H::BYTES && payload > block.address())
    }

    /// Returns the place of the header of a block with this payload, if the heap holds it. Other bytes may lie there.
    #[inline]
    pub(crate) fn candidate(&self, payload: NonNull<u8>) -> Option<Block<H>> {
        let address = payload.addr().get();
        if !address.is_multiple_of(H::ALIGNMENT) || !self.holds(address) {
            return None;
        }
        // The address is the caller's, the right to read there is ours.
        let place = self.base.at_address(address - H::BYTES).cast::<H>();
        // SAFETY: it can be read: it lies in a segment of ours (H1). All bytes are valid headers, and what is not one of
        // ours is only looked at.
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
        match self.segment {
            Some(_) if self.end == block.address() => {}
            Some(first) => {
                self.closed.add(Segment { start: first.address(), end: self.end, next: block });
                self.segment = Some(block);
            }
            None => self.segment = Some(block),
        }
        if self.segment == Some(block) {
            self.start = block.address() + H::BYTES;
        }
        self.end = block.end();
        self.last = Some(block);
        self.count += 1;
        block
    }

    /// Adds `memory` to the end of `block`. It must begin where the block ends.
    pub(crate) fn extend(&mut self, block: Block<H>, memory: Memory) {
        debug_assert_eq!(memory.address(), block.end(), "H2");
        let size = block.heap_size() + memory.length();
        block.set_size(size);
        self.end = block.end();
    }

    /// Takes `bytes` bytes from the end of the last block, which has more of them.
    pub(crate) fn shorten_last(&mut self, bytes: usize) {
        if let Some(last) = self.last {
            let size = last.heap_size() - bytes;
            last.set_size(size);
            self.end = last.end();
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
            .filter(|next| next.address() == block.end() && next.is_free() && self.prev(*next) == Some(block))
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
