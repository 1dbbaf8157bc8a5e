//! A chain: blocks of one size in no order but that of their coming, the last one first. Each call takes the same few
//! steps, however many blocks there are, where a [`pairing`](super::pairing) heap now and then makes up for thousands of
//! earlier calls. For a policy that does not ask for the lowest address.

use super::pending::{Links, links, links_mut};
use crate::block::{Base, Block, Header};
use std::num::NonZeroU32;

type Node = Option<NonZeroU32>;

#[inline]
fn at<H: Header>(number: u32, base: Base) -> Option<Block<H>> {
    base.block(number)
}

/// Adds a block that is in no chain.
#[inline]
pub(super) fn insert<H: Header>(first: &mut Node, node: NonZeroU32, base: Base) {
    let behind = first.map_or(0, NonZeroU32::get);
    let mut block: Block<H> = base.numbered(node);
    *links_mut(&mut block) = Links { left: 0, right: behind };
    if let Some(mut behind) = at::<H>(behind, base) {
        links_mut(&mut behind).left = node.get();
    }
    *first = Some(node);
}

/// Takes out a block that is there; `false` if its links show that it is not.
#[inline]
pub(super) fn remove<H: Header>(first: &mut Node, node: NonZeroU32, base: Base) -> bool {
    let Links { left, right } = links::<H>(base.numbered(node));
    match at::<H>(left, base) {
        Some(mut before) => {
            if links(before).right != node.get() {
                return false;
            }
            links_mut(&mut before).right = right;
        }
        None if *first == Some(node) => *first = NonZeroU32::new(right),
        None => return false,
    }
    if let Some(mut behind) = at::<H>(right, base) {
        links_mut(&mut behind).left = left;
    }
    true
}

/// Takes out the block that was added last.
#[inline]
pub(super) fn take<H: Header>(first: &mut Node, base: Base) -> Node {
    let node = (*first)?;
    let Links { right, .. } = links::<H>(base.numbered(node));
    *first = NonZeroU32::new(right);
    if let Some(mut behind) = at::<H>(right, base) {
        links_mut(&mut behind).left = 0;
    }
    Some(node)
}

/// Counts the blocks; `None` if the links do not agree, or one is not right, or there are more than `most`.
pub(super) fn count<H: Header>(
    first: Node,
    base: Base,
    most: usize,
    is_right: &impl Fn(Block<H>) -> bool,
) -> Option<usize> {
    let (mut at, mut before, mut count) = (first, 0, 0);
    while let Some(node) = at {
        let block: Block<H> = base.numbered(node);
        if count == most || !is_right(block) || links(block).left != before {
            return None;
        }
        count += 1;
        (before, at) = (node.get(), NonZeroU32::new(links(block).right));
    }
    Some(count)
}
