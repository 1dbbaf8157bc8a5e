//! The points that course hand-outs leave open (O1 to O6), each with the readings that a right allocator may choose.
//!
//! O7 (errno, messages), O8 (queries of the break) and O10 (freed memory) show in no trace; O9 (the header) is a parameter.

use crate::params::Params;

/// O1, O2: what is compared with the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Header + aligned size, `>=`: the rule.
    Need,
    /// Header + size before rounding, `>=`.
    Unrounded,
    /// Header + size before rounding, `>`.
    Above,
    /// The aligned size alone, `>=`; O1 only.
    Payload,
    /// The size alone, `>=`; O1 only.
    PayloadUnrounded,
}

impl Edge {
    /// Whether a request for `size` bytes is mapped.
    pub const fn maps(self, params: &Params, size: u64, threshold: u64) -> bool {
        match self {
            Self::Need => params.need(size) >= threshold,
            Self::Unrounded => params.header + size >= threshold,
            Self::Above => params.header + size > threshold,
            Self::Payload => params.align(size) >= threshold,
            Self::PayloadUnrounded => size >= threshold,
        }
    }
}

/// O3: a heap block is resized to a mapped request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToMapping {
    /// It moves to a mapping: the rule.
    Moves,
    /// The last block is extended on the heap.
    LastStays,
    /// So is one that becomes the last by absorbing what is free behind it.
    BecomesLast,
}

/// O4: a block that became the last one only by absorbing is still too small, and no free block elsewhere fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BecameLast {
    /// It moves to a new block: the rule.
    Moves,
    /// It is extended by the missing bytes.
    Extends,
}

/// O5: a mapped block is resized to the size it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EqualMapping {
    /// It stays: the rule.
    Stays,
    /// It moves to a new mapping.
    Moves,
}

/// O6: when free blocks are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merging {
    /// At the search only: the rule.
    AtSearch,
    /// As soon as one comes to be: when a block is freed, shrinks, or leaves some of what it absorbed.
    AtFree,
    /// When a block is freed; what a resized one leaves waits for the next that is freed, or for the search.
    AtFreeOnly,
}

/// One reading of every open point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readings {
    /// O1: malloc's and realloc's threshold.
    pub edge: Edge,
    /// O2: calloc's threshold.
    pub calloc_edge: Edge,
    /// O3
    pub to_mapping: ToMapping,
    /// O4
    pub became_last: BecameLast,
    /// O5
    pub equal_mapping: EqualMapping,
    /// O6
    pub merging: Merging,
}

impl Readings {
    /// The contract's choice at every point.
    pub const CONTRACT: Self = Self {
        edge: Edge::Need,
        calloc_edge: Edge::Need,
        to_mapping: ToMapping::Moves,
        became_last: BecameLast::Moves,
        equal_mapping: EqualMapping::Stays,
        merging: Merging::AtSearch,
    };

    /// With another reading of one point, by its number among [`Point::choices`].
    #[must_use]
    pub fn with(mut self, point: Point, choice: usize) -> Self {
        match point {
            Point::O1 => self.edge = EDGES[choice],
            Point::O2 => self.calloc_edge = EDGES[choice],
            Point::O3 => self.to_mapping = [ToMapping::Moves, ToMapping::LastStays, ToMapping::BecomesLast][choice],
            Point::O4 => self.became_last = [BecameLast::Moves, BecameLast::Extends][choice],
            Point::O5 => self.equal_mapping = [EqualMapping::Stays, EqualMapping::Moves][choice],
            Point::O6 => self.merging = [Merging::AtSearch, Merging::AtFree, Merging::AtFreeOnly][choice],
        }
        self
    }
}

const EDGES: [Edge; 5] = [Edge::Need, Edge::Unrounded, Edge::Above, Edge::Payload, Edge::PayloadUnrounded];

/// An open point that shows in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "their numbers in docs/contract.md")]
pub enum Point {
    O1,
    O2,
    O3,
    O4,
    O5,
    O6,
}

impl Point {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::O1, Self::O2, Self::O3, Self::O4, Self::O5, Self::O6];

    /// As a bit of a set.
    pub const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// How many readings it has; number 0 is the contract's.
    pub const fn choices(self) -> usize {
        match self {
            Self::O1 => 5,
            Self::O2 | Self::O3 | Self::O6 => 3,
            Self::O4 | Self::O5 => 2,
        }
    }

    /// What a reading means, in half a sentence about the allocator.
    pub fn sentence(self, choice: usize) -> &'static str {
        let sentences: &[&str] = match self {
            Self::O1 => &[
                "compares header + aligned size with malloc's threshold",
                "compares header + size before rounding with malloc's threshold",
                "maps only above malloc's threshold",
                "compares the aligned payload alone with malloc's threshold",
                "compares the payload alone with malloc's threshold",
            ],
            Self::O2 => &[
                "compares header + aligned size with calloc's threshold",
                "compares header + size before rounding with calloc's threshold",
                "maps only above calloc's threshold",
            ],
            Self::O3 => &[
                "moves a heap block that grows to a mapped size to a mapping",
                "extends the last block on the heap even to a mapped size",
                "extends a block that becomes the last one on the heap even to a mapped size",
            ],
            Self::O4 => &[
                "moves a block that became the last one only by absorbing",
                "extends a block that became the last one by absorbing",
            ],
            Self::O5 => &[
                "leaves a mapped block where it is if its size stays the same",
                "moves a mapped block even if its size stays the same",
            ],
            Self::O6 => &[
                "merges free blocks at the search",
                "merges free blocks as soon as there are any",
                "merges free blocks when one is freed",
            ],
        };
        sentences.get(choice).copied().unwrap_or("")
    }
}

/// The readings that an allocator may still have: a set for each point. Those of *core* begin with all of them and shrink as the
/// allocator shows itself; *strict* has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed([u8; 6]);

impl Allowed {
    /// *core*: every reading that docs/contract.md names.
    pub fn core() -> Self {
        Self(Point::ALL.map(|point| (1 << point.choices()) - 1))
    }

    /// *strict*: the contract's.
    pub fn strict() -> Self {
        Self([1; 6])
    }

    /// The first reading of each point that is left.
    pub fn first(&self) -> Readings {
        Point::ALL.into_iter().fold(Readings::CONTRACT, |readings, point| {
            readings.with(point, self.0[point as usize].trailing_zeros() as usize)
        })
    }

    /// The readings of a point that are left, by number.
    pub fn of(&self, point: Point) -> impl Iterator<Item = usize> + use<> {
        let set = self.0[point as usize];
        (0..point.choices()).filter(move |choice| set & (1 << choice) != 0)
    }

    /// Whether more than one reading of a point is left.
    pub fn is_open(&self, point: Point) -> bool {
        !self.0[point as usize].is_power_of_two()
    }

    /// Whether no point is open.
    pub fn is_settled(&self) -> bool {
        Point::ALL.into_iter().all(|point| !self.is_open(point))
    }

    /// With one reading of a point only.
    #[must_use]
    pub fn only(mut self, point: Point, choice: usize) -> Self {
        self.0[point as usize] = 1 << choice;
        self
    }

    /// The union of two sets if they differ in one point at most.
    pub fn union(&self, other: &Self) -> Option<Self> {
        let differing = Point::ALL.into_iter().filter(|point| self.0[*point as usize] != other.0[*point as usize]);
        (differing.count() <= 1).then(|| self.hull(other))
    }

    /// The readings of either set at each point; of points that hang together it may allow more than both.
    #[must_use]
    pub fn hull(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    /// The readings of both sets at each point; where there are none, this set's.
    #[must_use]
    pub fn narrowed(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|at| match self.0[at] & other.0[at] {
            0 => self.0[at],
            both => both,
        }))
    }
}
