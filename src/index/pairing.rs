//! A pairing heap: finds the block at the lowest address among blocks of one size, and takes one in, or lets any of them
//! go, at hardly any cost. What is put off is done when the lowest is taken: O(log n) on the average of all calls.
//!
//! A node needs three links, so it is for blocks with a payload of 16 bytes or more; what has 8 lies in a
//! [`treap`](super::treap).
#![expect(unsafe_code, reason = "the links of a free block lie in its payload")]

use crate::block::{Base, Block, Header};
use std::num::NonZeroU32;

type Node = Option<NonZeroU32>;

/// In the payload of a free block. No node lies below one with a higher address.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Links {
    /// The first of those below.
    child: Node,
    /// The next one below the same.
    next: Node,
    /// The one before below the same; of the first, the one above.
    prev: Node,
}

#[inline]
fn links<'a, H: Header>(node: NonZeroU32, base: Base) -> &'a mut Links {
    let block: Block<H> = base.numbered(node);
    // SAFETY: H1 and H3, a free block's payload is ours, aligned, and here at least 16 bytes long; any bytes are valid
    // numbers. No two of these references are used at the same time.
    unsafe { block.payload().cast::<Links>().as_mut() }
}

/// Makes the one of two roots with the higher address the first below the other, which is returned.
#[inline]
fn link<H: Header>(one: NonZeroU32, other: NonZeroU32, base: Base) -> NonZeroU32 {
    let (lower, higher) = (one.min(other), one.max(other));
    let child = links::<H>(lower, base).child;
    links::<H>(lower, base).child = Some(higher);
    let moved = links::<H>(higher, base);
    (moved.next, moved.prev) = (child, Some(lower));
    if let Some(child) = child {
        links::<H>(child, base).prev = Some(higher);
    }
    lower
}

/// Adds a block that is in no tree.
#[inline]
pub(super) fn insert<H: Header>(root: &mut Node, node: NonZeroU32, base: Base) {
    *links::<H>(node, base) = Links { child: None, next: None, prev: None };
    *root = Some(match *root {
        Some(root) => link::<H>(root, node, base),
        None => node,
    });
}

/// Takes out a block that is there; `false` if its links show that it is not.
#[inline]
pub(super) fn remove<H: Header>(root: &mut Node, node: NonZeroU32, base: Base) -> bool {
    let Some(first) = *root else { return false };
    if first == node {
        *root = join::<H>(links::<H>(node, base).child, base);
        return true;
    }
    let Links { child, next, prev } = *links::<H>(node, base);
    let Some(prev) = prev else { return false };
    let before = links::<H>(prev, base);
    if before.child == Some(node) {
        before.child = next;
    } else {
        before.next = next;
    }
    if let Some(next) = next {
        links::<H>(next, base).prev = Some(prev);
    }
    if let Some(below) = join::<H>(child, base) {
        *root = Some(link::<H>(first, below, base));
    }
    true
}

/// Takes out the block at the lowest address.
#[inline]
pub(super) fn take_lowest<H: Header>(root: &mut Node, base: Base) -> Node {
    let node = (*root)?;
    *root = join::<H>(links::<H>(node, base).child, base);
    Some(node)
}

/// Makes one tree of those that hang below the same node, of which `first` is the first: pair by pair, and then the pairs.
#[inline]
fn join<H: Header>(first: Node, base: Base) -> Node {
    let (mut at, mut pairs) = (first, None);
    while let Some(one) = at {
        let next = links::<H>(one, base).next;
        let (pair, behind) = match next {
            Some(other) => {
                let behind = links::<H>(other, base).next;
                (link::<H>(one, other, base), behind)
            }
            None => (one, None),
        };
        links::<H>(pair, base).next = pairs;
        (pairs, at) = (Some(pair), behind);
    }
    let mut root = pairs?;
    let mut rest = links::<H>(root, base).next;
    while let Some(pair) = rest {
        rest = links::<H>(pair, base).next;
        root = link::<H>(root, pair, base);
    }
    let links = links::<H>(root, base);
    (links.next, links.prev) = (None, None);
    Some(root)
}

/// How many blocks there are, `None` if the links do not agree, or one is not right. There are no more than `most`.
pub(super) fn count<H: Header>(
    root: Node,
    base: Base,
    most: usize,
    is_right: &impl Fn(Block<H>) -> bool,
) -> Option<usize> {
    let (mut at, mut above, mut count) = (root, None, 0);
    while let Some(node) = at {
        let is_sound = count < most
            && is_right(base.numbered(node))
            && links::<H>(node, base).prev == above
            && above.is_none_or(|above| links::<H>(above, base).next == Some(node) || above < node);
        if !is_sound {
            return None;
        }
        count += 1;
        let Links { child, next, .. } = *links::<H>(node, base);
        (at, above) = if child.is_some() { (child, Some(node)) } else { (next, Some(node)) };
        // Up again, to the next one that has somebody behind it.
        let mut here = node;
        while at.is_none()
            && let Some(before) = links::<H>(here, base).prev
        {
            let links = links::<H>(before, base);
            if links.child == Some(here) {
                (at, above) = (links.next, Some(before));
            }
            here = before;
        }
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Full;
    use std::collections::BTreeSet;
    use std::ptr::NonNull;

    const BLOCKS: u32 = 500;
    const BYTES: usize = Full::BYTES + 16;

    /// Free blocks of 16 bytes, one behind the other, and the number of each.
    fn blocks(room: &mut Vec<u64>) -> (Base, Vec<NonZeroU32>) {
        room.resize(BLOCKS as usize * BYTES / 8, 0);
        let start = NonNull::from(&mut room[0]).cast::<u8>();
        let base = Base::at(start);
        let numbers = (0..BLOCKS as usize).map(|at| {
            // SAFETY: inside the room, aligned, and nobody else's.
            let block = unsafe { Block::<Full>::write_free(start.add(at * BYTES), 16, (None, None), base) };
            base.number(block)
        });
        (base, numbers.collect())
    }

    fn holds(root: Node, base: Base, set: &BTreeSet<NonZeroU32>) {
        assert_eq!(count::<Full>(root, base, set.len(), &|_| true), Some(set.len()));
        assert_eq!(root, set.first().copied());
    }

    #[test]
    fn it_holds_what_a_set_holds() {
        let mut room = Vec::new();
        let (base, numbers) = blocks(&mut room);
        let (mut root, mut set, mut random) = (None, BTreeSet::new(), 1_u32);
        for step in 0..20_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let node = numbers[(random >> 8) as usize % numbers.len()];
            match random >> 30 {
                0 | 1 if set.insert(node) => insert::<Full>(&mut root, node, base),
                2 if set.remove(&node) => assert!(remove::<Full>(&mut root, node, base)),
                3 => assert_eq!(take_lowest::<Full>(&mut root, base), set.pop_first()),
                _ => {}
            }
            if step % 16 == 0 {
                holds(root, base, &set);
            }
        }
        holds(root, base, &set);
    }

    #[test]
    fn it_sorts_what_came_in_any_order() {
        let mut room = Vec::new();
        let (base, numbers) = blocks(&mut room);
        let up: Vec<_> = numbers.clone();
        let down: Vec<_> = numbers.iter().rev().copied().collect();
        let both: Vec<_> = up.iter().zip(&down).flat_map(|(one, other)| [*one, *other]).take(numbers.len()).collect();
        for order in [up, down, both] {
            let (mut root, set) = (None, order.iter().copied().collect::<BTreeSet<_>>());
            for node in order {
                if count::<Full>(root, base, usize::MAX, &|block| base.number(block) != node).is_some() {
                    insert::<Full>(&mut root, node, base);
                }
            }
            holds(root, base, &set);
            let taken: Vec<_> = std::iter::from_fn(|| take_lowest::<Full>(&mut root, base)).collect();
            assert_eq!(taken, set.into_iter().collect::<Vec<_>>());
        }
    }
}
