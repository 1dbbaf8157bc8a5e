//! What is wrong with a pointer that is no live block (R10, R14): a walk, made only when somebody wants to know.

use super::Allocator;
use crate::block::{Block, Header};
use std::fmt;

/// What a pointer is instead of a live block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// The payload of a block that was freed before.
    Freed,
    /// An address inside a block of the heap.
    Interior,
    /// No address of this allocator's; or a mapping that was given back.
    Foreign,
    /// The payload of a block whose header was written over.
    Damaged,
}

impl Misuse {
    /// In words, of a pointer that was passed to be freed or resized.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Freed => "it is free already",
            Self::Interior => "it lies inside a block",
            Self::Foreign => "it is no block of this allocator",
            Self::Damaged => "its header was written over",
        }
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl<S, H: Header> Allocator<S, H> {
    /// What a pointer is that was not found among the live blocks, and the size of the block that it points into, if
    /// there is one.
    pub fn diagnose(&self, payload: *mut u8) -> (Misuse, Option<usize>) {
        let address = payload.addr();
        let list = self.heap().blocks();
        // The size in a header that was written over must not lead out of the heap either.
        let is_inside =
            |block: &Block<H>| list.holds(block.payload().addr().get()) && list.holds(block.end().wrapping_sub(1));
        let mut at = list.first().filter(is_inside);
        // A header that was written over must not lead out of the heap, nor in a circle.
        for _ in 0..list.count() {
            let Some(block) = at else { break };
            if address == block.payload().addr().get() {
                return (self.name(block), Some(block.size()));
            }
            if address < block.end() && address > block.address() {
                // A block that was freed may have been merged into one before it.
                let misuse = if block.is_free() { Misuse::Freed } else { Misuse::Interior };
                return (misuse, Some(block.size()));
            }
            at = list.next(block).filter(|next| next.address() >= block.end() && is_inside(next));
        }
        (if list.holds(address) { Misuse::Damaged } else { Misuse::Foreign }, None)
    }

    fn name(&self, block: Block<H>) -> Misuse {
        if block.is_free() || block.is_cached() { Misuse::Freed } else { Misuse::Damaged }
    }
}
