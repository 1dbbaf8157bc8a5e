//! The free stretches between blocks, kept in order so that the largest one is at hand.

use std::collections::BTreeMap;

use osmem_oracle::call::Address;

/// Blocks in the order of their addresses, and the gaps between two of them.
#[derive(Debug, Default)]
pub struct Gaps {
    /// The end of each block, by its start.
    blocks: BTreeMap<Address, Address>,
    /// The gaps that are not empty: how many there are of each length.
    lengths: BTreeMap<u64, usize>,
    /// The bytes of all gaps.
    sum: u64,
}

impl Gaps {
    /// Adds a block.
    pub fn add(&mut self, start: Address, bytes: u64) {
        self.remove(start);
        let end = start.saturating_add(bytes);
        let (before, after) = self.neighbours(start);
        if let (Some(before), Some(after)) = (before, after) {
            self.forget(before, after);
        }
        before.into_iter().for_each(|before| self.note(before, start));
        after.into_iter().for_each(|after| self.note(end, after));
        self.blocks.insert(start, end);
    }

    /// Removes the block that begins there, if there is one.
    pub fn remove(&mut self, start: Address) {
        let Some(end) = self.blocks.remove(&start) else { return };
        let (before, after) = self.neighbours(start);
        before.into_iter().for_each(|before| self.forget(before, start));
        after.into_iter().for_each(|after| self.forget(end, after));
        if let (Some(before), Some(after)) = (before, after) {
            self.note(before, after);
        }
    }

    /// Returns the free bytes from `from` to `to`, and those of the largest gap.
    pub fn free(&self, from: Address, to: Address) -> (u64, u64) {
        let Some((first, _)) = self.blocks.first_key_value() else {
            let all = to.saturating_sub(from);
            return (all, all);
        };
        let last = self.blocks.last_key_value().map_or(from, |(_, end)| *end);
        let (front, back) = (first.saturating_sub(from), to.saturating_sub(last));
        let largest = self.lengths.last_key_value().map_or(0, |(length, _)| *length);
        (self.sum + front + back, largest.max(front).max(back))
    }

    /// Returns the end of the block before an address and the start of the one behind it.
    fn neighbours(&self, start: Address) -> (Option<Address>, Option<Address>) {
        let before = self.blocks.range(..start).next_back().map(|(_, end)| *end);
        let after = self.blocks.range(start..).next().map(|(start, _)| *start);
        (before, after)
    }

    fn note(&mut self, from: Address, to: Address) {
        if to > from {
            *self.lengths.entry(to - from).or_default() += 1;
            self.sum += to - from;
        }
    }

    fn forget(&mut self, from: Address, to: Address) {
        if to <= from {
            return;
        }
        let length = to - from;
        self.sum -= length;
        if let Some(count) = self.lengths.get_mut(&length) {
            *count -= 1;
            if *count == 0 {
                self.lengths.remove(&length);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gaps_lie_between_blocks_and_at_both_ends() {
        let mut gaps = Gaps::default();
        assert_eq!(gaps.free(0, 100), (100, 100));
        gaps.add(10, 10);
        gaps.add(40, 20);
        assert_eq!(gaps.free(0, 100), (70, 40));
        gaps.add(20, 20);
        assert_eq!(gaps.free(0, 100), (50, 40));
        gaps.remove(40);
        gaps.remove(41);
        assert_eq!(gaps.free(0, 50), (20, 10));
    }

    proptest! {
        /// Overlapping blocks, as damaged runs have them, upset nothing.
        #[test]
        fn any_order_comes_to_the_same(steps in prop::collection::vec((0u64..40, 0u64..12, any::<bool>()), 0..60)) {
            let mut gaps = Gaps::default();
            for (start, bytes, adds) in steps {
                if adds { gaps.add(start, bytes) } else { gaps.remove(start) }
                let mut again = Gaps::default();
                for (start, end) in &gaps.blocks {
                    again.add(*start, end - start);
                }
                prop_assert_eq!(gaps.free(0, 100), again.free(0, 100));
            }
        }
    }
}
