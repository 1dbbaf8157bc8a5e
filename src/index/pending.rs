//! The free blocks that still are to be merged: doubly linked lists, so that one which is absorbed meanwhile (R12 b) can
//! leave.
//!
//! By the contract there is one list, which the next search empties (R5). Before that search a block is
//! [`waiting`](super::waiting), if its header has room for that, so that its payload stays as it was. A policy that defers
//! has another list for each small size: a request of just that size takes a block from there, and merging waits until much
//! has been freed. What is not small is merged at once and waits in the first list for its place in the index.
#![expect(unsafe_code, reason = "the links of a free block lie in its payload")]

use super::waiting::Waiting;
use super::{SMALL, UNIT};
use crate::block::{Base, Block, Header};

/// Instead of a link: the block has become part of another one.
const ABSORBED: u32 = u32::MAX;

/// One for each small size, and the first for all others.
const LISTS: usize = 1 + SMALL / UNIT;

/// The lists. Links are numbers that count from the base of the heap.
#[derive(Debug)]
pub(crate) struct Pending<H> {
    first: [u32; LISTS],
    /// Lists before this one are empty.
    lowest: usize,
    /// What comes next while the lists are drained.
    draining: u32,
    /// Payload of all blocks that are there, and of the small ones.
    bytes: usize,
    small_bytes: usize,
    /// The number of blocks that are not small, and the one of them that was added first.
    large: usize,
    oldest_large: u32,
    by_size: bool,
    /// By the contract, and where headers have room: what was freed since the last search. The lists are empty then.
    waiting: Waiting<H>,
}

/// The two links in the payload of a free block: of its tree, or of the pending list.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Links {
    pub(super) left: u32,
    pub(super) right: u32,
}

#[inline]
pub(super) fn links<H: Header>(block: Block<H>) -> Links {
    // SAFETY: H1 and H3, a free block's payload is ours and at least 8 bytes long and aligned.
    unsafe { block.payload().cast::<Links>().read() }
}

#[inline]
pub(super) fn links_mut<H: Header>(block: &mut Block<H>) -> &mut Links {
    // SAFETY: as in `links`; any bytes are valid numbers.
    unsafe { block.payload().cast::<Links>().as_mut() }
}

impl<H: Header> Pending<H> {
    pub(crate) const fn new(by_size: bool) -> Self {
        Self {
            first: [0; LISTS],
            lowest: LISTS,
            draining: 0,
            bytes: 0,
            small_bytes: 0,
            large: 0,
            oldest_large: 0,
            by_size,
            waiting: Waiting::new(),
        }
    }

    /// Whether payloads of blocks that are added stay as they are.
    #[inline]
    const fn spares_payloads(&self) -> bool {
        H::HAS_ROOM && !self.by_size
    }

    /// Moves what is waiting to the lists, at the beginning of a search. `is_drained` says that nothing but
    /// [`drain`](Self::drain) comes next, which follows no link to the left.
    #[inline]
    pub(crate) fn settle(&mut self, base: Base, is_drained: bool) {
        if !self.spares_payloads() {
            return;
        }
        let mut first = 0;
        self.waiting.take_all(base, |mut block: Block<H>| {
            let number = base.number(block).get();
            block.set_free(true);
            *links_mut(&mut block) = Links { left: 0, right: first };
            if !is_drained && let Some(mut behind) = base.block::<H>(first) {
                links_mut(&mut behind).left = number;
            }
            first = number;
        });
        self.first[0] = first;
        self.lowest = 0;
    }

    /// Which list a block of that size is in.
    #[inline]
    fn list(&self, size: usize) -> usize {
        if self.by_size && size <= SMALL { size / UNIT } else { 0 }
    }

    /// Payload of all blocks that are there.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Payload of the small blocks that are there, where sizes have lists of their own.
    #[inline]
    pub(crate) const fn small_bytes(&self) -> usize {
        self.small_bytes
    }

    /// Returns the number of blocks that are not small, where sizes have lists of their own.
    #[inline]
    pub(crate) const fn large(&self) -> usize {
        self.large
    }

    /// Notes that a block in the lists, which is not small, has grown by `bytes`.
    #[inline]
    pub(crate) const fn grew(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// Takes out the block that was added first of those that are not small.
    #[inline]
    pub(crate) fn take_oldest_large(&mut self, base: Base) -> Option<Block<H>> {
        let block = base.block(self.oldest_large)?;
        self.remove(block, base);
        Some(block)
    }

    /// Takes out a block of the smallest size that there is, if it is small.
    #[inline]
    pub(crate) fn take_small(&mut self, base: Base) -> Option<Block<H>> {
        if self.small_bytes == 0 {
            return None;
        }
        let mut list = self.lowest.max(1);
        while self.first.get(list) == Some(&0) {
            list += 1;
        }
        if list == LISTS {
            self.small_bytes = 0; // a program has written over the sizes
            return None;
        }
        if self.lowest > 0 {
            self.lowest = list;
        }
        let block = base.block(self.first[list])?;
        self.remove(block, base);
        Some(block)
    }

    /// Takes out any block.
    pub(crate) fn take_any(&mut self, base: Base) -> Option<Block<H>> {
        if self.by_size {
            return self.take_small(base).or_else(|| self.take_oldest_large(base));
        }
        let block = base.block(self.first[0])?;
        self.remove(block, base);
        Some(block)
    }

    /// Counts a block of `size` bytes that is added to that list.
    #[inline]
    fn add(&mut self, list: usize, size: usize, number: u32) {
        if self.by_size {
            if list > 0 {
                self.small_bytes += size;
                return;
            }
            self.large += 1;
            if self.first[0] == 0 {
                self.oldest_large = number;
            }
        }
    }

    /// Takes out one block after the other, to be merged, until there is none: nothing may be added or removed meanwhile.
    /// What is absorbed is marked so, and stays out.
    #[inline]
    pub(crate) fn drain(&mut self, base: Base) -> Option<Block<H>> {
        loop {
            let Some(block) = base.block::<H>(self.draining) else {
                if self.lowest >= if self.by_size { LISTS } else { 1 } {
                    self.lowest = LISTS;
                    (self.bytes, self.small_bytes) = (0, 0);
                    (self.large, self.oldest_large) = (0, 0);
                    return None;
                }
                self.draining = std::mem::take(&mut self.first[self.lowest]);
                self.lowest += 1;
                continue;
            };
            let Links { left, right } = links(block);
            self.draining = right;
            if left != ABSORBED {
                block.set_free(false);
                return Some(block);
            }
        }
    }

    /// The block, which is there, becomes part of one that is being merged. Its header and its payload up to here may be
    /// written over by the links of that one; where it leads to must not be.
    #[inline]
    pub(crate) fn absorb(&self, mut block: Block<H>) {
        links_mut(&mut block).left = ABSORBED;
    }

    /// Takes out a block of just that size, if sizes have lists of their own. It keeps the mark of a pending one.
    #[inline]
    pub(crate) fn take_exact(&mut self, size: usize, base: Base) -> Option<Block<H>> {
        if !self.by_size || size > SMALL {
            return None;
        }
        let first = &mut self.first[size / UNIT];
        let block = base.block(*first)?;
        let right = links(block).right;
        *first = right;
        if let Some(mut behind) = base.block::<H>(right) {
            links_mut(&mut behind).left = 0;
        }
        self.bytes -= size;
        self.small_bytes -= size;
        Some(block)
    }

    /// Whether this block is there, and nothing else that must be merged before it can be handed out again.
    #[inline]
    pub(crate) fn is_ready(&self, block: Block<H>, base: Base) -> bool {
        if self.by_size {
            return block.is_free() && block.is_pending();
        }
        if self.spares_payloads() {
            return self.waiting.is_only(block, base);
        }
        self.first[0] == base.number(block).get() && links(block).right == 0
    }

    /// Adds a free block.
    #[inline]
    pub(crate) fn push(&mut self, mut block: Block<H>, base: Base) {
        if self.spares_payloads() {
            self.waiting.push(block, base);
            self.bytes += block.heap_size();
            return;
        }
        let (number, size) = (base.number(block).get(), block.heap_size());
        let list = self.list(size);
        block.set_free(true);
        self.add(list, size, number);
        *links_mut(&mut block) = Links { left: 0, right: self.first[list] };
        if let Some(mut behind) = base.block::<H>(self.first[list]) {
            links_mut(&mut behind).left = number;
        }
        self.first[list] = number;
        self.lowest = self.lowest.min(list);
        self.bytes += size;
    }

    /// Takes out a pending block; `false` if it is not there, as a program wrote over its header.
    #[inline]
    pub(crate) fn remove(&mut self, block: Block<H>, base: Base) -> bool {
        if self.spares_payloads() && !block.is_listed() {
            let was_there = self.waiting.remove(block, base);
            if was_there {
                self.bytes -= block.heap_size();
            }
            return was_there;
        }
        let Links { left, right } = links(block);
        let size = block.heap_size();
        let list = self.list(size);
        match base.block::<H>(left) {
            Some(mut before) => links_mut(&mut before).right = right,
            None => self.first[list] = right,
        }
        match base.block::<H>(right) {
            Some(mut behind) => links_mut(&mut behind).left = left,
            None if list == 0 => self.oldest_large = left,
            None => {}
        }
        if self.by_size {
            if list > 0 {
                self.small_bytes -= size;
            } else {
                self.large -= 1;
            }
        }
        self.bytes -= size;
        block.set_free(false);
        true
    }

    /// How many blocks there are, `None` if the links do not agree or lead to what is no such block. `is_right` says what
    /// may be one; there are no more than `most`.
    pub(crate) fn count(&self, base: Base, most: usize, is_right: impl Fn(Block<H>) -> bool) -> Option<usize> {
        let (mut count, mut bytes) = self.waiting.measure(base, most, &is_right)?;
        let mut large = (0, 0);
        for (list, first) in self.first.iter().enumerate() {
            let (mut at, mut before) = (*first, 0);
            while let Some(block) = base.block::<H>(at) {
                let is_sound = count < most
                    && is_right(block)
                    && links(block).left == before
                    && self.list(block.heap_size()) == list
                    && self.lowest <= list;
                if !is_sound {
                    return None;
                }
                (before, at) = (at, links(block).right);
                (count, bytes) = (count + 1, bytes + block.heap_size());
                if list == 0 {
                    large = (large.0 + 1, large.1 + block.heap_size());
                }
            }
            if list == 0 && self.by_size && before != self.oldest_large {
                return None;
            }
        }
        let is_counted = !self.by_size || (self.large == large.0 && self.small_bytes == bytes - large.1);
        (bytes == self.bytes && is_counted).then_some(count)
    }
}
