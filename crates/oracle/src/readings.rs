//! The points that course hand-outs leave open (O1 to O6, O11, a refusal in R15), each with the readings that a right allocator may choose.
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
    /// The size alone, `>`; O1 only.
    PayloadAbove,
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
            Self::PayloadAbove => size > threshold,
        }
    }
}

/// O1: which edge decides where a block moves that is resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moving {
    /// `os_realloc`'s own: the rule, where both are the same.
    Realloc,
    /// `os_malloc`'s, which gives the new block.
    Malloc,
}

/// O3: a heap block is resized to a mapped request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToMapping {
    /// It moves to a mapping: the rule.
    Moves,
    /// It absorbs what is free behind it, and moves to a mapping.
    Absorbs,
    /// The last block is extended on the heap.
    LastStays,
    /// So is one that becomes the last by absorbing what is free behind it.
    BecomesLast,
    /// It stays where it fits with what is free behind it.
    Grows,
    /// All of R12 holds for it as for any heap block; what does not find room moves to a mapping.
    AsHeap,
}

/// O4: a block that became the last one only by absorbing is still too small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BecameLast {
    /// It moves to a new block: the rule.
    Moves,
    /// It is extended by the missing bytes.
    Extends,
    /// It is extended unless a free block elsewhere fits.
    ExtendsUnlessFits,
}

/// O5: a mapped block is resized to the size it has, or a mapping of calloc's is resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remapping {
    /// One of the same size stays, any other moves by R3: the rule.
    Rule,
    /// It moves by R3, even if its size stays the same.
    Moves,
    /// It moves to a new mapping, even if R3 says heap.
    StaysMapping,
}

/// O6: when free blocks are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merging {
    /// At the search only: the rule.
    AtSearch,
    /// As soon as one comes to be, so that a block that grows is always cut exactly.
    Early,
}

/// R15: what a block has absorbed before it could not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absorbed {
    /// It stays absorbed: the rule.
    Stays,
    /// It is cut off again.
    CutOff,
}

/// O11: a size just below the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NearLargest {
    /// The system is asked, and refuses: the rule.
    Asks,
    /// It is refused at once.
    Refused,
}

/// One reading of every open point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readings {
    /// O1: malloc's threshold.
    pub edge: Edge,
    /// O1: realloc's threshold.
    pub realloc_edge: Edge,
    /// O1: which of the two decides where a resized block moves.
    pub moving: Moving,
    /// O2: calloc's threshold.
    pub calloc_edge: Edge,
    /// O3
    pub to_mapping: ToMapping,
    /// O4
    pub became_last: BecameLast,
    /// O5
    pub remapping: Remapping,
    /// O6
    pub merging: Merging,
    /// O11
    pub near_largest: NearLargest,
    /// R15
    pub absorbed: Absorbed,
}

impl Readings {
    /// The contract's choice at every point.
    pub const CONTRACT: Self = Self {
        edge: Edge::Need,
        realloc_edge: Edge::Need,
        moving: Moving::Realloc,
        calloc_edge: Edge::Need,
        to_mapping: ToMapping::Moves,
        became_last: BecameLast::Moves,
        remapping: Remapping::Rule,
        merging: Merging::AtSearch,
        near_largest: NearLargest::Asks,
        absorbed: Absorbed::Stays,
    };

    /// With another reading of one point, by its number among [`Point::choices`].
    #[must_use]
    pub fn with(mut self, point: Point, choice: usize) -> Self {
        match point {
            Point::O1 => self.edge = EDGES[choice],
            Point::O1Realloc => self.realloc_edge = EDGES[choice],
            Point::O1Moving => self.moving = [Moving::Realloc, Moving::Malloc][choice],
            Point::O2 => self.calloc_edge = EDGES[choice],
            Point::O3 => self.to_mapping = TO_MAPPING[choice],
            Point::O4 => {
                self.became_last = [BecameLast::Moves, BecameLast::Extends, BecameLast::ExtendsUnlessFits][choice];
            }
            Point::O5 => self.remapping = [Remapping::Rule, Remapping::Moves, Remapping::StaysMapping][choice],
            Point::O6 => self.merging = [Merging::AtSearch, Merging::Early][choice],
            Point::O11 => self.near_largest = [NearLargest::Asks, NearLargest::Refused][choice],
            Point::R15 => self.absorbed = [Absorbed::Stays, Absorbed::CutOff][choice],
        }
        self
    }
}

const EDGES: [Edge; 6] =
    [Edge::Need, Edge::Unrounded, Edge::Above, Edge::Payload, Edge::PayloadUnrounded, Edge::PayloadAbove];

const TO_MAPPING: [ToMapping; 6] = [
    ToMapping::Moves,
    ToMapping::Absorbs,
    ToMapping::LastStays,
    ToMapping::BecomesLast,
    ToMapping::Grows,
    ToMapping::AsHeap,
];

/// An open point that shows in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "their numbers in docs/contract.md")]
pub enum Point {
    O1,
    /// O1 for `os_realloc`, which may differ.
    O1Realloc,
    /// O1 where a resized block moves.
    O1Moving,
    O2,
    O3,
    O4,
    O5,
    O6,
    O11,
    /// What R15 leaves open.
    R15,
}

/// How many points there are.
const POINTS: usize = Point::ALL.len();

impl Point {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::O1,
        Self::O1Realloc,
        Self::O1Moving,
        Self::O2,
        Self::O3,
        Self::O4,
        Self::O5,
        Self::O6,
        Self::O11,
        Self::R15,
    ];

    /// As a bit of a set.
    pub const fn bit(self) -> u16 {
        1 << self as u16
    }

    /// How many readings it has; number 0 is the contract's.
    pub const fn choices(self) -> usize {
        match self {
            Self::O1 | Self::O1Realloc | Self::O3 => 6,
            Self::O2 | Self::O4 | Self::O5 => 3,
            Self::O1Moving | Self::O6 | Self::O11 | Self::R15 => 2,
        }
    }

    /// Whether an allocator may choose anew in each call.
    pub const fn varies(self) -> bool {
        matches!(self, Self::O3 | Self::O5 | Self::O6 | Self::O11 | Self::R15)
    }

    /// Its number in docs/contract.md.
    pub const fn name(self) -> &'static str {
        match self {
            Self::O1 | Self::O1Realloc | Self::O1Moving => "O1",
            Self::O2 => "O2",
            Self::O3 => "O3",
            Self::O4 => "O4",
            Self::O5 => "O5",
            Self::O6 => "O6",
            Self::O11 => "O11",
            Self::R15 => "R15",
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
                "compares the payload alone with malloc's threshold, and maps only above it",
            ],
            Self::O1Realloc => &[
                "compares header + aligned size with the threshold in os_realloc",
                "compares header + size before rounding with the threshold in os_realloc",
                "maps only above the threshold in os_realloc",
                "compares the aligned payload alone with the threshold in os_realloc",
                "compares the payload alone with the threshold in os_realloc",
                "compares the payload alone with the threshold in os_realloc, and maps only above it",
            ],
            Self::O1Moving => &[
                "moves a resized block by os_realloc's own threshold",
                "moves a resized block to where os_malloc puts it",
            ],
            Self::O2 => &[
                "compares header + aligned size with calloc's threshold",
                "compares header + size before rounding with calloc's threshold",
                "maps only above calloc's threshold",
            ],
            Self::O3 => &[
                "moves a heap block that grows to a mapped size to a mapping",
                "absorbs what is free behind a heap block before it moves to a mapping",
                "extends the last block on the heap even to a mapped size",
                "extends a block that becomes the last one on the heap even to a mapped size",
                "lets a heap block grow into free ones even to a mapped size",
                "grows a heap block on the heap wherever it can, even to a mapped size",
            ],
            Self::O4 => &[
                "moves a block that became the last one only by absorbing",
                "extends a block that became the last one by absorbing",
                "extends a block that became the last one by absorbing, unless a free block elsewhere fits",
            ],
            Self::O5 => &[
                "leaves a mapped block where it is if its size stays the same",
                "moves a mapped block even if its size stays the same",
                "moves a mapped block to a new mapping where os_malloc would take the heap or nothing needs to move",
            ],
            Self::O6 => &["merges free blocks at the search", "merges free blocks before the search already"],
            Self::O11 => &[
                "asks the system for sizes just below the largest",
                "refuses sizes just below the largest without asking the system",
            ],
            Self::R15 => &[
                "keeps what a block has absorbed when it cannot move",
                "cuts off again what a block has absorbed when it cannot move",
            ],
        };
        sentences.get(choice).copied().unwrap_or("")
    }
}

/// The readings that an allocator may still have: a set for each point. Those of *core* begin with all of them and shrink as the
/// allocator shows itself; *strict* has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed([u8; POINTS]);

impl Allowed {
    /// *core*: every reading that docs/contract.md names.
    pub fn core() -> Self {
        Self(Point::ALL.map(|point| (1 << point.choices()) - 1))
    }

    /// *strict*: the contract's.
    pub fn strict() -> Self {
        Self([1; POINTS])
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

    /// With all that `before` allows at the points where each call may choose anew.
    #[must_use]
    pub fn reopened(mut self, before: &Self) -> Self {
        for point in Point::ALL.into_iter().filter(|point| point.varies()) {
            self.0[point as usize] = before.0[point as usize];
        }
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
