//! Walks everything there is and names the first broken invariant of [`Heap`](crate::heap::Heap).

use crate::alloc::Allocator;
use crate::block::{Block, Status};
use crate::list::List;
use crate::size::ALIGNMENT;
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
pub fn check<S: Sys>(allocator: &Allocator<S>) -> Result<(), Broken> {
    let (heap, mappings) = (allocator.heap().blocks(), allocator.mappings().blocks());
    walk(heap, &[Status::FREE, Status::ALLOC], true)?;
    walk(mappings, &[Status::MAPPED], false)?;
    if let Some(last) = heap.last() {
        require(last, "H5", "ends above the break", last.end() <= allocator.sys().current_break())?;
    }
    for (index, block) in mappings.iter().enumerate() {
        let page_size = allocator.sys().page_size();
        require(block, "H7", "does not begin at a page boundary", block.address().is_multiple_of(page_size))?;
        let mut others = heap.iter().chain(mappings.iter().skip(index + 1));
        require(block, "H7", "overlaps another block", others.all(|other| are_apart(block, other)))?;
    }
    Ok(())
}

/// H2 (if the blocks are `ordered`), H3, H4 and H6 of one list. The count bounds the walk: it ends even if the links
/// run in a circle.
fn walk(list: &List, statuses: &[Status], ordered: bool) -> Result<(), Broken> {
    let (mut prev, mut at, mut left) = (None, list.first(), list.count());
    while let Some(block) = at {
        require(block, "H3", "is not aligned to 8", block.address().is_multiple_of(ALIGNMENT))?;
        require(block, "H6", "is one more than were counted", left > 0)?;
        require(block, "H6", "does not point back to its neighbour", block.prev() == prev)?;
        require(block, "H3", "has a size that cannot be", is_possible(block.size()))?;
        require(block, "H4", "has a status that cannot be", statuses.contains(&block.status()))?;
        if let (true, Some(next), Some(last)) = (ordered, block.next(), list.last()) {
            let places = block.end()..=last.address();
            require(
                block,
                "H2",
                "reaches into the next block, or leads out of the heap",
                places.contains(&next.address()),
            )?;
        }
        (prev, at, left) = (Some(block), block.next(), left - 1);
    }
    match prev.or(list.last()) {
        Some(last) => require(last, "H6", "is not where the list ends", prev == list.last() && left == 0),
        None => Ok(()),
    }
}

fn is_possible(size: usize) -> bool {
    size > 0 && size.is_multiple_of(ALIGNMENT) && isize::try_from(size).is_ok()
}

fn are_apart(one: Block, other: Block) -> bool {
    one.end() <= other.address() || other.end() <= one.address()
}

fn require(block: Block, invariant: &'static str, what: &'static str, holds: bool) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken { invariant, block: block.address(), what }) }
}
