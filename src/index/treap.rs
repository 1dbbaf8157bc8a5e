//! A treap: a search tree whose shape is decided by a number drawn from each node's address, so that it is as deep as a
//! random tree is, whatever the order of insertions: about 1.4 log2(n) on the average.
//!
//! A node needs two links and nothing else. Which node comes first and where its links lie is the business of a
//! [`Forest`]; there are two, the free blocks ([`index`](crate::index)) and the mappings ([`mapped`](crate::mapped)).

/// Where the links of the nodes lie, and how they are ordered.
pub(crate) trait Forest {
    /// Names a node.
    type Node: Copy + Eq;

    /// The link of a node on one side.
    fn child(&self, node: Self::Node, side: Side) -> Option<Self::Node>;
    /// Changes the link of a node on one side.
    fn set_child(&self, node: Self::Node, side: Side, child: Option<Self::Node>);
    /// What decides how near to the root the node lies.
    fn rank(&self, node: Self::Node) -> u32;
    /// Whether the first comes before the second. No two are equal.
    fn is_less(&self, one: Self::Node, other: Self::Node) -> bool;
}

/// Which of a node's two links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// To the nodes that come before.
    Left,
    /// To the nodes that come after.
    Right,
}

/// A link that can be changed: the root, or one of a node's.
#[derive(Clone, Copy)]
enum Slot<N> {
    Root,
    Child(N, Side),
}

/// Spreads the low bits of an address over all bits of a rank.
#[inline]
pub(crate) const fn rank(number: u32) -> u32 {
    let mixed = number.wrapping_mul(0x9e37_79b1);
    (mixed ^ mixed >> 15).wrapping_mul(0x85eb_ca77)
}

#[inline]
fn put<F: Forest>(forest: &F, root: &mut Option<F::Node>, slot: Slot<F::Node>, node: Option<F::Node>) {
    match slot {
        Slot::Root => *root = node,
        Slot::Child(parent, side) => forest.set_child(parent, side, node),
    }
}

/// Adds a node that is in no tree.
#[inline]
pub(crate) fn insert<F: Forest>(forest: &F, root: &mut Option<F::Node>, node: F::Node) {
    let rank = forest.rank(node);
    let (mut slot, mut at) = (Slot::Root, *root);
    while let Some(here) = at
        && forest.rank(here) >= rank
    {
        let side = if forest.is_less(node, here) { Side::Left } else { Side::Right };
        (slot, at) = (Slot::Child(here, side), forest.child(here, side));
    }
    put(forest, root, slot, Some(node));
    // What hung there is divided between the two sides of the node.
    let (mut before, mut after) = (Slot::Child(node, Side::Left), Slot::Child(node, Side::Right));
    while let Some(here) = at {
        if forest.is_less(here, node) {
            put(forest, root, before, Some(here));
            (before, at) = (Slot::Child(here, Side::Right), forest.child(here, Side::Right));
        } else {
            put(forest, root, after, Some(here));
            (after, at) = (Slot::Child(here, Side::Left), forest.child(here, Side::Left));
        }
    }
    put(forest, root, before, None);
    put(forest, root, after, None);
}

/// Takes a node out of its tree; `false` if it is not there.
#[inline]
pub(crate) fn remove<F: Forest>(forest: &F, root: &mut Option<F::Node>, node: F::Node) -> bool {
    let (mut slot, mut at) = (Slot::Root, *root);
    while let Some(here) = at {
        if here == node {
            unhook(forest, root, slot, node);
            return true;
        }
        let side = if forest.is_less(node, here) { Side::Left } else { Side::Right };
        (slot, at) = (Slot::Child(here, side), forest.child(here, side));
    }
    false
}

/// Puts what hangs below `node` into its place.
#[inline]
fn unhook<F: Forest>(forest: &F, root: &mut Option<F::Node>, slot: Slot<F::Node>, node: F::Node) {
    let mut slot = slot;
    let (mut before, mut after) = (forest.child(node, Side::Left), forest.child(node, Side::Right));
    loop {
        match (before, after) {
            (Some(one), Some(other)) if forest.rank(one) >= forest.rank(other) => {
                put(forest, root, slot, Some(one));
                (slot, before) = (Slot::Child(one, Side::Right), forest.child(one, Side::Right));
            }
            (Some(_), Some(other)) => {
                put(forest, root, slot, Some(other));
                (slot, after) = (Slot::Child(other, Side::Left), forest.child(other, Side::Left));
            }
            (rest, None) | (None, rest) => return put(forest, root, slot, rest),
        }
    }
}

/// Takes out the first node for which `is_enough` holds, which must hold for every node behind that one too, and only
/// if `is_wanted`.
#[inline]
pub(crate) fn take_first<F: Forest>(
    forest: &F,
    root: &mut Option<F::Node>,
    is_enough: impl Fn(F::Node) -> bool,
    is_wanted: impl Fn(F::Node) -> bool,
) -> Option<F::Node> {
    let (mut slot, mut at, mut found) = (Slot::Root, *root, None);
    while let Some(here) = at {
        let side = if is_enough(here) {
            found = Some((slot, here));
            Side::Left
        } else {
            Side::Right
        };
        (slot, at) = (Slot::Child(here, side), forest.child(here, side));
    }
    let (slot, node) = found.filter(|(_, node)| is_wanted(*node))?;
    unhook(forest, root, slot, node);
    Some(node)
}

/// The first node behind all those for which `is_before` holds, which must hold for every node before any of them.
pub(crate) fn first_behind<F: Forest>(
    forest: &F,
    root: Option<F::Node>,
    is_before: impl Fn(F::Node) -> bool,
) -> Option<F::Node> {
    let (mut at, mut found) = (root, None);
    while let Some(here) = at {
        let side = if is_before(here) {
            Side::Right
        } else {
            found = Some(here);
            Side::Left
        };
        at = forest.child(here, side);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    /// Nodes are places in a table, ordered by their number.
    struct Table(RefCell<Vec<[Option<usize>; 2]>>);

    impl Forest for Table {
        type Node = usize;

        fn child(&self, node: usize, side: Side) -> Option<usize> {
            self.0.borrow()[node][side as usize]
        }

        fn set_child(&self, node: usize, side: Side, child: Option<usize>) {
            self.0.borrow_mut()[node][side as usize] = child;
        }

        fn rank(&self, node: usize) -> u32 {
            rank(u32::try_from(node).expect("small"))
        }

        fn is_less(&self, one: usize, other: usize) -> bool {
            one < other
        }
    }

    fn depth(table: &Table, root: Option<usize>) -> usize {
        root.map_or(0, |node| {
            1 + depth(table, table.child(node, Side::Left)).max(depth(table, table.child(node, Side::Right)))
        })
    }

    #[test]
    fn it_holds_what_a_set_holds() {
        let table = Table(RefCell::new(vec![[None; 2]; 1000]));
        let (mut root, mut set, mut random) = (None, BTreeSet::new(), 1_u32);
        for _ in 0..20_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let node = (random >> 8) as usize % 1000;
            match random >> 30 {
                0 | 1 if set.insert(node) => insert(&table, &mut root, node),
                2 => assert_eq!(remove(&table, &mut root, node), set.remove(&node)),
                3 => {
                    let expected = set.range(node..).next().copied();
                    assert_eq!(first_behind(&table, root, |other| other < node), expected);
                    let wanted = node.is_multiple_of(2);
                    let taken = take_first(&table, &mut root, |other| other >= node, |_| wanted);
                    assert_eq!(taken, expected.filter(|_| wanted));
                    if let Some(taken) = taken {
                        set.remove(&taken);
                    }
                }
                _ => {}
            }
        }
        assert!(set.len() > 10, "the test must do something");
    }

    #[test]
    fn it_is_flat_whatever_the_stride_and_the_order() {
        for stride in [1, 2, 6, 13, 64] {
            for backwards in [false, true] {
                let table = Table(RefCell::new(vec![[None; 2]; 64 * 4096]));
                let mut root = None;
                for number in 0..4096 {
                    let number = if backwards { 4095 - number } else { number };
                    insert(&table, &mut root, number * stride);
                }
                assert!(depth(&table, root) < 45, "stride {stride}: {}", depth(&table, root));
            }
        }
    }
}
