//! Finds the best fit without a walk: the smallest free block that is large enough, and of several the one at the lowest
//! address (R5).
//!
//! Free blocks lie in *bins*: one for each size up to [`SMALL`] bytes, above that [`STEPS`] for each power of two. A map
//! of bits says which bins hold something. The blocks of a bin form a tree: where all have one size, a [`pairing`] heap by
//! address; where they have several, or no more than 8 bytes, a [`treap`] by size and address. No memory is used beside
//! this table: a tree's links lie in the payloads of its blocks. Under a policy that defers, blocks of one size form a
//! [`chain`] instead, and any of them is taken.
//!
//! Blocks wait in [`pending`] until they are merged. Once it is merged, the last block of the heap lies in no bin: the heap
//! knows it anyway.

mod chain;
mod pairing;
pub(crate) mod pending;
pub(crate) mod treap;
mod waiting;

use crate::block::{Base, Block, Header};
use pending::{Links, links, links_mut};
use std::marker::PhantomData;
use std::num::NonZeroU32;
use treap::{Forest, Side};

/// Up to here each size has a bin of its own. Bytes.
pub(crate) const SMALL: usize = 1024;
/// What the sizes of small bins count by. Bytes.
const UNIT: usize = 8;
/// Bins for each power of two above [`SMALL`], a power of two itself.
const STEPS: usize = 8;

const SMALL_BINS: usize = SMALL / UNIT;
/// Sizes are below 2^36: no layout's span is larger (H8).
const POWERS: usize = 36 - SMALL.ilog2() as usize;
const BINS: usize = SMALL_BINS + POWERS * STEPS;
const WORDS: usize = BINS.div_ceil(64);

/// The free blocks that are merged and not the last of the heap.
#[derive(Debug)]
pub(crate) struct Index<H> {
    /// A bit for each bin that holds something.
    filled: [u64; WORDS],
    roots: [Option<NonZeroU32>; BINS],
    /// Whether the one at the lowest address is taken of equal blocks.
    takes_lowest: bool,
    layout: PhantomData<H>,
}

/// How the blocks of a bin are kept.
enum Kind {
    /// All have one size: the lowest is found.
    Pairing,
    /// All have one size: any is taken.
    Chain,
    /// They have several sizes, or no room for more than two links: each is found by size and address.
    Treap,
}

/// The blocks of one bin, as a forest for the treap.
struct Bin<H> {
    base: Base,
    layout: PhantomData<H>,
}

impl<H: Header> Bin<H> {
    #[inline]
    fn block(&self, node: NonZeroU32) -> Block<H> {
        self.base.numbered(node)
    }
}

impl<H: Header> Forest for Bin<H> {
    type Node = NonZeroU32;

    #[inline]
    fn child(&self, node: NonZeroU32, side: Side) -> Option<NonZeroU32> {
        let Links { left, right } = links(self.block(node));
        NonZeroU32::new(if side == Side::Left { left } else { right })
    }

    #[inline]
    fn set_child(&self, node: NonZeroU32, side: Side, child: Option<NonZeroU32>) {
        let mut block = self.block(node);
        let links = links_mut(&mut block);
        let child = child.map_or(0, NonZeroU32::get);
        match side {
            Side::Left => links.left = child,
            Side::Right => links.right = child,
        }
    }

    #[inline]
    fn rank(&self, node: NonZeroU32) -> u32 {
        treap::rank(node.get())
    }

    #[inline]
    fn is_less(&self, one: NonZeroU32, other: NonZeroU32) -> bool {
        (self.block(one).heap_size(), one) < (self.block(other).heap_size(), other)
    }
}

/// The bin of a size. For a size that cannot be, as a header may say that a program wrote over, some bin.
#[inline]
fn bin(size: usize) -> usize {
    if size <= SMALL {
        return (size / UNIT).saturating_sub(1);
    }
    let power = (size - 1).ilog2() as usize;
    let step = ((size - 1) >> (power - STEPS.ilog2() as usize)) & (STEPS - 1);
    (SMALL_BINS + (power - SMALL.ilog2() as usize) * STEPS + step).min(BINS - 1)
}

impl<H: Header> Index<H> {
    /// No blocks; whether of equal ones the one at the lowest address is to be taken.
    pub(crate) const fn new(takes_lowest: bool) -> Self {
        Self { filled: [0; WORDS], roots: [None; BINS], takes_lowest, layout: PhantomData }
    }

    #[inline]
    const fn kind(&self, bin: usize) -> Kind {
        if bin == 0 || bin >= SMALL_BINS {
            Kind::Treap
        } else if self.takes_lowest {
            Kind::Pairing
        } else {
            Kind::Chain
        }
    }

    /// Adds a free block.
    #[inline]
    pub(crate) fn insert(&mut self, block: Block<H>, base: Base) {
        let bin = bin(block.heap_size());
        let node = base.number(block);
        let kind = self.kind(bin);
        let root = &mut self.roots[bin];
        match kind {
            Kind::Chain => chain::insert::<H>(root, node, base),
            Kind::Pairing => pairing::insert::<H>(root, node, base),
            Kind::Treap => treap::insert(&Bin::<H> { base, layout: PhantomData }, root, node),
        }
        self.filled[bin / 64] |= 1 << (bin % 64);
    }

    /// Takes out a block; `false` if it is not there.
    #[inline]
    pub(crate) fn remove(&mut self, block: Block<H>, base: Base) -> bool {
        let bin = bin(block.heap_size());
        let node = base.number(block);
        let kind = self.kind(bin);
        let root = &mut self.roots[bin];
        let was_there = match kind {
            Kind::Chain => chain::remove::<H>(root, node, base),
            Kind::Pairing => pairing::remove::<H>(root, node, base),
            Kind::Treap => treap::remove(&Bin::<H> { base, layout: PhantomData }, root, node),
        };
        self.note(bin);
        was_there
    }

    /// Takes out the best fit for `size` bytes, if it has at most `largest`.
    #[inline]
    pub(crate) fn take_best(&mut self, size: usize, largest: usize, base: Base) -> Option<Block<H>> {
        let mut bin = self.filled_from(bin(size))?;
        let kind = self.kind(bin);
        if !matches!(kind, Kind::Treap) {
            if (bin + 1) * UNIT > largest {
                return None;
            }
            let root = &mut self.roots[bin];
            let node = match kind {
                Kind::Chain => chain::take::<H>(root, base)?,
                _ => pairing::take_lowest::<H>(root, base)?,
            };
            self.note(bin);
            return Some(base.numbered(node));
        }
        let forest = Bin::<H> { base, layout: PhantomData };
        loop {
            let size_of = |node| forest.block(node).heap_size();
            let root = &mut self.roots[bin];
            let before = *root;
            if let Some(node) =
                treap::take_first(&forest, root, |node| size_of(node) >= size, |node| size_of(node) <= largest)
            {
                self.note(bin);
                return Some(forest.block(node));
            }
            if treap::first_behind(&forest, before, |node| size_of(node) < size).is_some() {
                return None; // it is larger than wanted, and so are those of the bins above
            }
            bin = self.filled_from(bin + 1)?;
        }
    }

    /// The first block behind one of that size and number, in the order of sizes and numbers; the size must have a treap.
    pub(crate) fn next_behind(&self, (size, number): (usize, NonZeroU32), base: Base) -> Option<Block<H>> {
        let forest = Bin::<H> { base, layout: PhantomData };
        let mut at = self.filled_from(bin(size));
        while let Some(bin) = at {
            let is_before = |node| (forest.block(node).size(), node) <= (size, number);
            if let Some(node) = treap::first_behind(&forest, self.roots[bin], is_before) {
                return Some(forest.block(node));
            }
            at = self.filled_from(bin + 1);
        }
        None
    }

    /// Whether every tree is one, with its blocks in their bin and in order: how many blocks there are, `None` if not.
    ///
    /// A link that a program wrote over is not followed out of the heap, nor in a circle: `is_inside` says what is a place
    /// for a block.
    pub(crate) fn count(&self, base: Base, most: usize, is_inside: impl Fn(Block<H>) -> bool) -> Option<usize> {
        let forest = Bin::<H> { base, layout: PhantomData };
        let mut count = 0;
        for (number, root) in self.roots.iter().enumerate() {
            if root.is_some() != (self.filled[number / 64] >> (number % 64) & 1 == 1) {
                return None;
            }
            let is_right = |block| is_inside(block) && block.is_free() && bin(block.heap_size()) == number;
            count += match self.kind(number) {
                Kind::Chain => chain::count(*root, base, most, &is_right)?,
                Kind::Pairing => pairing::count(*root, base, most, &is_right)?,
                Kind::Treap => below(&forest, *root, (None, None), DEEPEST, &is_right)?,
            };
        }
        Some(count)
    }

    /// The first bin from `bin` on that holds something.
    #[inline]
    fn filled_from(&self, bin: usize) -> Option<usize> {
        let mut word = bin / 64;
        let mut bits = self.filled.get(word)? & (u64::MAX << (bin % 64));
        while bits == 0 {
            word += 1;
            bits = *self.filled.get(word)?;
        }
        Some(word * 64 + bits.trailing_zeros() as usize)
    }

    /// Brings the bit of a bin up to date after something was taken out.
    #[inline]
    fn note(&mut self, bin: usize) {
        if self.roots[bin].is_none() {
            self.filled[bin / 64] &= !(1 << (bin % 64));
        }
    }
}

/// A tree that is deeper is none: with 2^32 nodes it would be so in less than one case of a million.
const DEEPEST: usize = 128;

/// The nodes below `node`, all of which must lie between the two of `range`.
fn below<H: Header>(
    forest: &Bin<H>,
    node: Option<NonZeroU32>,
    range: (Option<NonZeroU32>, Option<NonZeroU32>),
    deepest: usize,
    is_right: &impl Fn(Block<H>) -> bool,
) -> Option<usize> {
    let Some(node) = node else { return Some(0) };
    let is_in_order = deepest > 0
        && is_right(forest.block(node))
        && range.0.is_none_or(|lower| forest.is_less(lower, node))
        && range.1.is_none_or(|upper| forest.is_less(node, upper));
    if !is_in_order {
        return None;
    }
    let lower = below(forest, forest.child(node, Side::Left), (range.0, Some(node)), deepest - 1, is_right)?;
    let upper = below(forest, forest.child(node, Side::Right), (Some(node), range.1), deepest - 1, is_right)?;
    Some(1 + lower + upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_ascend_with_the_sizes() {
        let mut last = bin(8);
        assert_eq!(last, 0);
        for size in (16..100_000).step_by(8) {
            let next = bin(size);
            assert!(next == last || next == last + 1, "size {size}");
            assert!(size > SMALL || next == last + 1, "small sizes have a bin each: {size}");
            last = next;
        }
        assert!(bin((64 << 30) - 8) < BINS, "the largest size of any layout");
    }
}
