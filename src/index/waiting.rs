//! The blocks that were freed since the last search, by the contract's layout and policy: their payloads stay as they were
//! (O10), and so the links that hold them lie in their headers.
//!
//! A header has room for one link, not for two. So there are many short chains, chosen by the block's place: one that is
//! absorbed meanwhile (R12 b) leaves the chain behind a short walk. The one that was freed last is in none: most often it is
//! the only one.

use crate::block::{Base, Block, Header};
use std::marker::PhantomData;

const CHAINS: usize = 4096;
/// Bits by which numbers within one stretch of memory differ: as many units of alignment as 4 KiB have.
const STRETCH_BITS: u32 = 9;
const WORDS: usize = CHAINS / 64;

const _: () = assert!(WORDS == 64, "one word says which words are not 0");

/// The chains. Links are numbers that count from the base of the heap; 0 leads nowhere.
#[derive(Debug)]
pub(super) struct Waiting<H> {
    /// The block that came last.
    newest: u32,
    first: [u32; CHAINS],
    /// A bit for each chain that is not empty, and one for each of these words that is not 0.
    filled: [u64; WORDS],
    words: u64,
    layout: PhantomData<H>,
}

/// The chain of a block. Blocks of one stretch share it, so that a walk stays where the processor has just been.
#[inline]
const fn chain(number: u32) -> usize {
    (number >> STRETCH_BITS) as usize % CHAINS
}

impl<H: Header> Waiting<H> {
    pub(super) const fn new() -> Self {
        Self { newest: 0, first: [0; CHAINS], filled: [0; WORDS], words: 0, layout: PhantomData }
    }

    /// Returns whether this block is there, and no other.
    #[inline]
    pub(super) fn is_only(&self, block: Block<H>, base: Base) -> bool {
        self.newest == base.number(block).get() && self.words == 0
    }

    /// Adds a block; writes to nothing but its header.
    #[inline]
    pub(super) fn push(&mut self, block: Block<H>, base: Base) {
        block.set_waiting(0);
        let older = std::mem::replace(&mut self.newest, base.number(block).get());
        if let Some(older) = base.block(older) {
            self.link(older, base);
        }
    }

    /// Puts a block into its chain.
    #[inline]
    fn link(&mut self, block: Block<H>, base: Base) {
        let number = base.number(block).get();
        let chain = chain(number);
        block.set_waiting(self.first[chain]);
        self.first[chain] = number;
        self.filled[chain / 64] |= 1 << (chain % 64);
        self.words |= 1 << (chain / 64);
    }

    /// Takes out a block, which is free and merged then; `false` if it is not there, as a program wrote over its header.
    #[inline]
    pub(super) fn remove(&mut self, block: Block<H>, base: Base) -> bool {
        if self.newest == base.number(block).get() {
            self.newest = 0;
        } else if !self.unlink(block, base) {
            return false;
        }
        block.set_free(false);
        true
    }

    /// Takes a block out of its chain; `false` if it is not there.
    fn unlink(&mut self, block: Block<H>, base: Base) -> bool {
        let number = base.number(block).get();
        let chain = chain(number);
        let Some(behind) = block.waiting() else { return false };
        let mut before: Option<Block<H>> = None;
        let mut at = self.first[chain];
        while at != number {
            let Some(other) = base.block::<H>(at) else { return false };
            let Some(next) = other.waiting() else { return false };
            (before, at) = (Some(other), next);
        }
        match before {
            Some(before) => before.set_waiting(behind),
            None => self.first[chain] = behind,
        }
        if self.first[chain] == 0 {
            self.filled[chain / 64] &= !(1 << (chain % 64));
            if self.filled[chain / 64] == 0 {
                self.words &= !(1 << (chain / 64));
            }
        }
        true
    }

    /// Takes out all blocks; each is handed to `take`, which may write to it.
    #[inline]
    pub(super) fn take_all(&mut self, base: Base, mut take: impl FnMut(Block<H>)) {
        if let Some(newest) = base.block(std::mem::take(&mut self.newest)) {
            take(newest);
        }
        while self.words != 0 {
            let word = self.words.trailing_zeros() as usize;
            self.words &= self.words - 1;
            let mut bits = std::mem::take(&mut self.filled[word]);
            while bits != 0 {
                let chain = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let mut at = std::mem::take(&mut self.first[chain]);
                while let Some(block) = base.block::<H>(at) {
                    at = block.waiting().unwrap_or(0);
                    take(block);
                }
            }
        }
    }

    /// Returns how many blocks there are, and their payload in bytes; `None` if the chains lead to what is no such block.
    pub(super) fn measure(
        &self,
        base: Base,
        most: usize,
        is_right: &impl Fn(Block<H>) -> bool,
    ) -> Option<(usize, usize)> {
        let (mut count, mut bytes) = (0, 0);
        if let Some(newest) = base.block::<H>(self.newest) {
            if most == 0 || !is_right(newest) || newest.waiting() != Some(0) {
                return None;
            }
            (count, bytes) = (1, newest.heap_size());
        }
        for (number, first) in self.first.iter().enumerate() {
            if (*first != 0) != (self.filled[number / 64] >> (number % 64) & 1 == 1) {
                return None;
            }
            let mut at = *first;
            while let Some(block) = base.block::<H>(at) {
                if count == most || chain(at) != number || !is_right(block) {
                    return None;
                }
                (count, bytes) = (count + 1, bytes + block.heap_size());
                at = block.waiting()?;
            }
        }
        let words = (0..WORDS).filter(|word| self.filled[*word] != 0).fold(0, |words, word| words | 1_u64 << word);
        (words == self.words).then_some((count, bytes))
    }
}
