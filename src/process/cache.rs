//! What each thread keeps for itself: small blocks that were freed, and are handed out again without the lock.
//!
//! There is a *shelf* for each size up to [`LARGEST`]. It holds two *batches*, of up to [`batch`] blocks each: blocks are
//! put on the one and taken from it, and only when both are full, or empty, does a whole batch go to the [`depot`], or
//! come from there. So a thread that only frees and one that only allocates pass blocks on at the price of one lock for a
//! whole batch.
//!
//! [`depot`]: super::depot
#![expect(unsafe_code, reason = "the links of kept blocks lie in their payloads")]

use super::Kept;
use crate::block::Header;
use crate::size::ALIGNMENT;
use std::ptr::NonNull;

/// Blocks with more bytes than this are not kept.
pub(super) const LARGEST: usize = 1024;
/// How many sizes there are.
pub(super) const SIZES: usize = LARGEST / <super::Layout as Header>::ALIGNMENT;
/// Bytes of blocks in a full batch, roughly; and how many there are at most.
const BATCH_BYTES: usize = 8 << 10;
const BATCH: usize = 64;
/// A size that is asked for the first time gets so many blocks; then twice as many each time.
const FIRST: u32 = 4;

const _: () = assert!(<super::Layout as Header>::ALIGNMENT >= 2 * ALIGNMENT, "two links must lie in a payload");

/// The shelf for blocks of at least `bytes` bytes.
#[inline]
pub(super) const fn shelf_for(bytes: usize) -> usize {
    // 0 bytes are as many as 1.
    bytes.saturating_sub(1) / <super::Layout as Header>::ALIGNMENT
}

/// Bytes of the blocks on a shelf.
#[inline]
pub(super) const fn size_on(shelf: usize) -> usize {
    (shelf + 1) * <super::Layout as Header>::ALIGNMENT
}

/// How many blocks a full batch has.
#[inline]
pub(super) const fn batch(shelf: usize) -> u32 {
    FULL[shelf]
}

/// For each shelf; a table, since this is asked with each block that is freed.
const FULL: [u32; SIZES] = {
    let mut full = [0; SIZES];
    let mut shelf = 0;
    while shelf < SIZES {
        let count = BATCH_BYTES / size_on(shelf);
        #[expect(clippy::cast_possible_truncation, reason = "at most BATCH")]
        let count = if count > BATCH { BATCH as u32 } else { count as u32 };
        full[shelf] = count;
        shelf += 1;
    }
    full
};

/// In the payload of a kept block.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Links {
    /// The next one of the batch.
    pub(super) next: Option<Kept>,
    /// In the depot, of a batch's first block: the next batch's first block.
    pub(super) next_batch: Option<Kept>,
}

/// The links of a kept block.
#[inline]
pub(super) fn links(block: &mut Kept) -> &mut Links {
    // SAFETY: nobody owns a kept block but its keeper, who lends it here; its payload has 16 bytes and is aligned.
    unsafe { block.payload().cast::<Links>().as_mut() }
}

/// Some blocks of one size, the last one that was added first.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) first: Option<Kept>,
    pub(super) count: u32,
}

impl Batch {
    pub(super) const EMPTY: Self = Self { first: None, count: 0 };

    #[inline]
    pub(super) fn push(&mut self, mut block: Kept) {
        links(&mut block).next = self.first;
        self.first = Some(block);
        self.count += 1;
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Kept> {
        let mut block = self.first?;
        self.first = links(&mut block).next;
        self.count -= 1;
        Some(block)
    }

    pub(super) const fn take(&mut self) -> Self {
        std::mem::replace(self, Self::EMPTY)
    }
}

/// What a thread keeps of one size.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) front: Batch,
    pub(super) back: Batch,
    /// How many blocks are taken from the heap the next time.
    pub(super) wanted: u32,
}

/// What a thread keeps.
#[derive(Debug)]
pub(super) struct Cache {
    pub(super) shelves: [Shelf; SIZES],
    /// Of a cache whose thread has ended.
    pub(super) next: Option<NonNull<Cache>>,
}

impl Cache {
    pub(super) const EMPTY: Self = Self {
        shelves: [const { Shelf { front: Batch::EMPTY, back: Batch::EMPTY, wanted: FIRST } }; SIZES],
        next: None,
    };
}

impl Shelf {
    /// A block, if there is one.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Kept> {
        match self.front.pop() {
            Some(block) => Some(block),
            None => self.take_from_back(),
        }
    }

    fn take_from_back(&mut self) -> Option<Kept> {
        std::mem::swap(&mut self.front, &mut self.back);
        self.front.pop()
    }

    /// Adds a block; a full batch that has no room any more, to be passed on.
    #[inline]
    pub(super) fn put(&mut self, block: Kept, full: u32) -> Option<Batch> {
        let passed_on = if self.front.count >= full { self.make_room() } else { None };
        self.front.push(block);
        passed_on
    }

    fn make_room(&mut self) -> Option<Batch> {
        std::mem::swap(&mut self.front, &mut self.back);
        (self.front.count > 0).then(|| self.front.take())
    }

    /// How many blocks to take from the heap now.
    pub(super) fn want(&mut self, full: u32) -> u32 {
        let wanted = self.wanted.min(full);
        self.wanted = (wanted * 2).min(full);
        wanted
    }
}
