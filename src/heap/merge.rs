//! Merging of free blocks with their neighbours: all at once before a search, as the contract asks (R5), or a few with each
//! call.

use super::Heap;
use super::release::{is_large, is_large_size};
use crate::block::{Block, Header};
use crate::index::SMALL;

/// Neighbours that a block is merged with at once; further ones that are pending have their turn later.
const MERGED_AT_ONCE: usize = 64;

impl<H: Header> Heap<H> {
    /// Merges a block that was just freed into the one before it, if that is pending, and neither becomes anything else by
    /// it: what waits in a list of all sizes may grow there. Whether it was merged.
    #[inline]
    pub(super) fn join_prev(&mut self, block: Block<H>) -> bool {
        let size = block.heap_size();
        let Some(prev) = self.list.mergeable_prev(block).filter(|prev| prev.is_pending()) else { return false };
        let joined = prev.heap_size() + H::BYTES + size;
        let may_stay = prev.heap_size() > SMALL
            && !is_large_size(joined)
            && self.list.last() != Some(block)
            && self.list.mergeable_next(block).is_none();
        if may_stay {
            self.recent = None;
            self.list.merge(prev, block);
            self.pending.grew(H::BYTES + size);
        }
        may_stay
    }

    /// Merges some pending small blocks; whether there were any.
    pub(super) fn merge_small(&mut self, most: usize) -> bool {
        for count in 0..most {
            let Some(block) = self.pending.take_small(self.list.base()) else { return count > 0 };
            self.merge_around(block);
        }
        true
    }

    /// Merges all adjacent free blocks (R5): those that are free since the last search with their neighbours, which is
    /// all there can be (H9).
    #[inline]
    pub(crate) fn merge_pending(&mut self) {
        let base = self.list.base();
        self.recent = None; // it may be merged now
        self.pending.settle(base, !self.release.is_on());
        if self.release.is_on() {
            // The record of a large block would be written over the mark of one that was absorbed.
            while let Some(block) = self.pending.take_any(base) {
                let block = self.merged(block);
                self.place(block);
            }
            return;
        }
        while let Some(block) = self.pending.drain(base) {
            self.forget();
            while let Some(next) = self.list.mergeable_next(block) {
                if next.is_listed() {
                    self.pending.absorb(next);
                } else if !self.displace(next) {
                    break;
                }
                self.list.merge(block, next);
            }
            self.merge_back(block);
        }
    }

    /// Merges a block, which is not pending, into those before it, and puts the result into its place.
    #[inline]
    fn merge_back(&mut self, block: Block<H>) {
        let mut block = block;
        while let Some(prev) = self.list.mergeable_prev(block) {
            if prev.is_listed() {
                self.list.merge(prev, block); // it has its turn later
                return;
            }
            if !self.displace(prev) {
                break;
            }
            self.list.merge(prev, block);
            block = prev;
        }
        self.place(block);
    }

    /// Merges a free block that is nowhere with its neighbours on both sides, and puts the result into its place.
    pub(super) fn merge_around(&mut self, block: Block<H>) {
        let block = self.merged(block);
        // To find a place in the index takes longer than all else: a search does so for those that are still there.
        if block.heap_size() > SMALL && !is_large(block) && self.list.last() != Some(block) {
            self.pending.push(block, self.list.base());
        } else {
            self.place(block);
        }
    }

    /// Merges a free block that is nowhere with its neighbours on both sides. Of many pending neighbours some are left for
    /// later.
    fn merged(&mut self, block: Block<H>) -> Block<H> {
        self.recent = None; // it may be merged now
        self.forget();
        let mut block = block;
        let mut left = MERGED_AT_ONCE;
        while let Some(next) = self.list.mergeable_next(block)
            && (left > 0 || !next.is_pending())
            && self.unplace(next)
        {
            self.list.merge(block, next);
            left = left.saturating_sub(1);
        }
        while let Some(prev) = self.list.mergeable_prev(block)
            && (left > 0 || !prev.is_pending())
            && self.unplace(prev)
        {
            self.list.merge(prev, block);
            block = prev;
            left = left.saturating_sub(1);
        }
        block
    }

    /// Moves pending blocks that are not small to the index, those that were freed first before others.
    pub(super) fn sort(&mut self, most: usize) {
        let base = self.list.base();
        for _ in 0..most {
            let Some(block) = self.pending.take_oldest_large(base) else { return };
            let block = self.merged(block);
            self.place(block);
        }
    }

    /// Takes a free block out of its place, and notes what is known of its pages; `false` if it is nowhere: then a program
    /// has written over its header.
    #[inline]
    pub(super) fn unplace(&mut self, block: Block<H>) -> bool {
        if block.is_pending() {
            return self.pending.remove(block, self.list.base());
        }
        self.displace(block)
    }

    /// The same of a block that is not pending.
    #[inline]
    fn displace(&mut self, block: Block<H>) -> bool {
        if self.list.last() == Some(block) {
            return true;
        }
        let was_there = self.index.remove(block, self.list.base());
        if was_there {
            self.recall(block);
        }
        was_there
    }
}
