//! Walks everything there is and names the first broken invariant of [`Heap`].

use crate::alloc::Allocator;
use crate::block::{Block, Header, Status};
use crate::heap::Heap;
use crate::list::List;
use crate::sys::Sys;
use std::fmt;

/// A broken invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its number, as in `H2`.
    pub invariant: &'static str,
    /// The address of the block at which it shows.
    pub block: usize,
    /// What is wrong there.
    pub what: &'static str,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is broken at the block at {:#x}: {}", self.invariant, self.block, self.what)
    }
}

impl std::error::Error for Broken {}

/// Finds the first broken invariant. Reads nothing but headers, and survives one that a program has written over, as
/// long as the links between mappings still lead to mappings.
///
/// # Errors
///
/// The invariant that is broken, and where.
pub fn check<S: Sys, H: Header>(allocator: &Allocator<S, H>) -> Result<(), Broken> {
    let (heap, mappings) = (allocator.heap(), allocator.mappings());
    let page_size = allocator.sys().page_size();
    walk(heap.blocks())?;
    if let Some(last) = heap.blocks().last() {
        require(last, "H5", "ends above the break", last.end() <= allocator.sys().current_break())?;
        let span = last.end() - heap.blocks().base().address();
        require(last, "H8", "ends beyond the span of the layout", span < H::SPAN)?;
    }
    index(heap)?;
    let mut count = 0;
    let mut prev: Option<Block<H>> = None;
    for block in mappings.iter() {
        count += 1;
        require(block, "H6", "is one more than were counted", count <= mappings.count())?;
        require(block, "H4", "has a status that cannot be", block.status() == Status::MAPPED)?;
        require(block, "H3", "has a size that cannot be", is_possible(block.size(), 8))?;
        let offset = block.address() % page_size;
        let stands_well = offset == 0 || offset + H::BYTES == page_size;
        require(block, "H7", "does not begin at a page boundary", stands_well)?;
        let is_apart = prev.is_none_or(|prev| prev.mapping_end() <= block.address() - offset);
        require(block, "H7", "overlaps another block", is_apart && !reaches(block, offset, heap.blocks()))?;
        prev = Some(block);
    }
    match prev {
        Some(last) => require(last, "H6", "is not the last that was counted", count == mappings.count()),
        None => Ok(()),
    }
}

/// Whether a mapping and the heap have bytes in common; what foreigners hold between two blocks is not the heap's.
fn reaches<H: Header>(mapping: Block<H>, offset: usize, list: &List<H>) -> bool {
    let (Some(first), Some(last)) = (list.first(), list.last()) else { return false };
    let start = mapping.address() - offset;
    let is_apart = mapping.mapping_end() <= first.address() || last.end() <= start;
    !is_apart && list.iter().any(|block| !(block.end() <= start || mapping.mapping_end() <= block.address()))
}

/// H2, H3, H4 and H6 of the heap's list. The count bounds the walk: it ends even if the links run in a circle.
fn walk<H: Header>(list: &List<H>) -> Result<(), Broken> {
    let statuses = [Status::FREE, Status::ALLOC, Status::CACHED];
    let (mut prev, mut at, mut left) = (None, list.first(), list.count());
    while let Some(block) = at {
        require(block, "H3", "is not aligned", block.address().is_multiple_of(H::ALIGNMENT))?;
        require(block, "H6", "is one more than were counted", left > 0)?;
        require(block, "H6", "does not point back to its neighbour", list.prev(block) == prev)?;
        require(block, "H3", "has a size that cannot be", is_possible(block.size(), H::ALIGNMENT))?;
        require(block, "H4", "has a status that cannot be", statuses.contains(&block.status()))?;
        if let (Some(next), Some(last)) = (list.next(block), list.last()) {
            let places = block.end()..=last.address();
            require(
                block,
                "H2",
                "reaches into the next block, or leads out of the heap",
                places.contains(&next.address()) && list.holds(next.payload().addr().get()),
            )?;
        }
        (prev, at, left) = (Some(block), list.next(block), left - 1);
    }
    match prev.or(list.last()) {
        Some(last) => require(last, "H6", "is not where the list ends", prev == list.last() && left == 0),
        None => Ok(()),
    }
}

/// H9: every block is where its status says, and nothing else is there.
fn index<H: Header>(heap: &Heap<H>) -> Result<(), Broken> {
    let list = heap.blocks();
    let base = list.base();
    let (mut pending, mut placed) = (0, 0);
    for block in list.iter() {
        if !block.is_free() {
            let is_tagged = block.is_live() || block.is_cached();
            require(block, "H9", "does not carry its tag", is_tagged)?;
        } else if block.is_pending() {
            pending += 1;
        } else {
            placed += usize::from(list.last() != Some(block));
            let next = list.mergeable_next(block);
            let is_merged = next.is_none_or(|next| next.is_pending());
            require(block, "H9", "has a free neighbour that is not to be merged", is_merged)?;
        }
    }
    let Some(first) = list.first() else { return Ok(()) };
    let is_inside = |block: Block<H>| list.holds(block.payload().addr().get());
    let is_pending = |block: Block<H>| is_inside(block) && block.is_free() && block.is_pending();
    let listed = heap.pending().count(base, pending, is_pending);
    require(first, "H9", "heads a heap of which other blocks are pending", listed == Some(pending))?;
    let indexed = heap.index().count(base, placed, is_inside);
    require(first, "H9", "heads a heap of which other blocks lie in the bins", indexed == Some(placed))?;
    let (counted, dirty) = heap.dirty();
    require(first, "H9", "heads a heap that counts the pages of its free blocks wrong", counted == dirty)
}

fn is_possible(size: usize, alignment: usize) -> bool {
    size > 0 && size.is_multiple_of(alignment) && isize::try_from(size).is_ok()
}

fn require<H: Header>(block: Block<H>, invariant: &'static str, what: &'static str, holds: bool) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken { invariant, block: block.address(), what }) }
}
