//! Which mapping last covered an address.

use std::collections::BTreeMap;

/// Ranges of addresses that do not overlap, each with the number of a mapping (`None`: the program's own).
#[derive(Debug, Default)]
pub struct Cover(BTreeMap<u64, Range>);

#[derive(Clone, Copy, Debug)]
struct Range {
    /// The first address behind it.
    end: u64,
    number: Option<u32>,
    /// Where the mapping begins: before the range, if a later mapping covers its first part.
    start: u64,
}

impl Cover {
    /// Lays a mapping over whatever was there. One of length 0 covers nothing.
    pub fn insert(&mut self, start: u64, length: u64, number: Option<u32>) {
        let end = start.saturating_add(length);
        if start == end {
            return;
        }
        // Cut the range that reaches in from below, and the last one that reaches out above.
        self.split(start);
        self.split(end);
        let hidden: Vec<u64> = self.0.range(start..end).map(|(from, _)| *from).collect();
        for from in hidden {
            self.0.remove(&from);
        }
        self.0.insert(start, Range { end, number, start });
    }

    /// The mapping that last covered `address`, with the distance from its start.
    pub fn find(&self, address: u64) -> Option<(Option<u32>, u64)> {
        let (_, range) = self.0.range(..=address).next_back()?;
        (address < range.end).then(|| (range.number, address - range.start))
    }

    /// Cuts the range that contains `at` in two there.
    fn split(&mut self, at: u64) {
        let Some((from, range)) = self.0.range_mut(..at).next_back() else { return };
        if at < range.end && *from < at {
            let behind = Range { ..*range };
            range.end = at;
            self.0.insert(at, behind);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_mapping_wins_and_the_rest_of_the_older_one_stays() {
        let mut cover = Cover::default();
        cover.insert(100, 100, Some(1));
        cover.insert(120, 10, None);
        cover.insert(190, 20, Some(3));
        assert_eq!(cover.find(99), None);
        assert_eq!(cover.find(100), Some((Some(1), 0)));
        assert_eq!(cover.find(125), Some((None, 5)));
        assert_eq!(cover.find(130), Some((Some(1), 30)));
        assert_eq!(cover.find(190), Some((Some(3), 0)));
        assert_eq!(cover.find(209), Some((Some(3), 19)));
        assert_eq!(cover.find(210), None);
        cover.insert(0, 1000, Some(4));
        assert_eq!(cover.find(125), Some((Some(4), 125)));
    }

    #[test]
    fn nothing_covers_nothing() {
        let mut cover = Cover::default();
        cover.insert(100, 0, Some(1));
        assert_eq!(cover.find(100), None);
        cover.insert(u64::MAX - 1, 10, Some(2));
        assert_eq!(cover.find(u64::MAX - 1), Some((Some(2), 0)));
    }
}
