//! Mistaken allocators: each the contract with one rule changed, and the cause that it stands for.
//!
//! Some causes have several hypotheses, since one mistake can be made in more than one way. The order of [`ALL`] decides between
//! causes that explain a run equally well: the more specific one comes first.

mod blocks;
mod endings;
mod free;
mod limits;
mod links;
mod memory;
mod moves;
mod realloc;
mod request;
mod search;
mod state;

use std::fmt;

use crate::params::Params;
use crate::readings::{Point, Readings};
use crate::rules::Patch;

/// One mistaken allocator.
#[derive(Clone, Copy)]
pub struct Hypothesis {
    /// The id of its cause.
    pub cause: &'static str,
    /// The decisions that it takes otherwise.
    pub patch: &'static dyn Patch,
    /// What it counts with.
    pub numbers: Numbers,
}

impl fmt::Debug for Hypothesis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cause)
    }
}

/// What a hypothesis counts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// What the right allocator counts with.
    Right,
    /// The preallocation that was seen.
    SeenPreallocation,
    /// The mmap threshold that was seen.
    SeenThreshold,
    /// The same threshold for calloc as for malloc.
    OneThreshold,
    /// Another alignment.
    Alignment(u64),
    /// Another reading of an open point, where only the contract's is right.
    Reading(Point, usize),
    /// Another reading of O1, in `os_malloc` and `os_realloc` alike.
    Edge(usize),
}

/// What a run seems to count with where it differs from the contract; see [`crate::infer`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeenNumbers {
    /// The first move of the break.
    pub preallocation: Option<u64>,
    /// The least that is mapped.
    pub threshold: Option<u64>,
}

impl Numbers {
    /// The parameters and readings to run with; `None` if there is nothing to try.
    pub fn apply(self, params: Params, readings: Readings, seen: &SeenNumbers) -> Option<(Params, Readings)> {
        let mut params = params;
        match self {
            Self::Right => {}
            Self::SeenPreallocation => {
                params.preallocation = seen.preallocation.filter(|it| *it != params.preallocation)?;
            }
            Self::SeenThreshold => params.mmap_threshold = seen.threshold.filter(|it| *it != params.mmap_threshold)?,
            Self::OneThreshold => params.calloc_threshold = params.mmap_threshold,
            Self::Alignment(bytes) => params.alignment = bytes,
            Self::Reading(point, choice) => return Some((params, readings.with(point, choice))),
            Self::Edge(choice) => {
                return Some((params, readings.with(Point::O1, choice).with(Point::O1Realloc, choice)));
            }
        }
        Some((params, readings))
    }

    /// Whether both change the same number, so that no allocator counts with both.
    pub const fn same_kind(self, other: Self) -> bool {
        match (self, other) {
            (Self::Reading(one, _), Self::Reading(other, _)) => one as u8 == other as u8,
            (Self::Reading(..) | Self::Edge(_), Self::Edge(_)) | (Self::Edge(_), Self::Reading(..)) => true,
            (Self::SeenThreshold | Self::OneThreshold, Self::SeenThreshold | Self::OneThreshold) => true,
            (Self::SeenPreallocation, Self::SeenPreallocation) | (Self::Alignment(_), Self::Alignment(_)) => true,
            _ => false,
        }
    }

    /// Whether it reads an open point otherwise, which is no mistake but where the contract is adopted whole.
    pub const fn is_reading(self) -> bool {
        matches!(self, Self::Reading(..) | Self::Edge(_))
    }
}

/// Decides as the contract does.
struct Unchanged;

impl Patch for Unchanged {}

const fn other(cause: &'static str, patch: &'static dyn Patch) -> Hypothesis {
    Hypothesis { cause, patch, numbers: Numbers::Right }
}

const fn counting(cause: &'static str, numbers: Numbers) -> Hypothesis {
    Hypothesis { cause, patch: &Unchanged, numbers }
}

/// Every hypothesis, the more specific ones first: nothing is as near to the contract as another reading of it.
pub const ALL: &[&[Hypothesis]] = &[
    READINGS,
    request::ALL,
    memory::ALL,
    search::ALL,
    blocks::ALL,
    realloc::ALL,
    moves::ALL,
    free::ALL,
    state::ALL,
    links::ALL,
    limits::ALL,
    endings::ALL,
];

/// Whether a cause says how a run ended rather than which rule is broken.
pub fn is_general(cause: &str) -> bool {
    endings::ALL.iter().any(|hypothesis| hypothesis.cause == cause)
}

/// Readings of open points that are right elsewhere, and wrong where the contract is adopted whole.
const READINGS: &[Hypothesis] = &[
    counting("threshold-edge", Numbers::Edge(1)),
    counting("threshold-edge", Numbers::Edge(2)),
    counting("threshold-header-left-out", Numbers::Edge(3)),
    counting("threshold-header-left-out", Numbers::Edge(4)),
    counting("threshold-header-left-out", Numbers::Edge(5)),
    counting("threshold-edge", Numbers::Reading(Point::O1, 1)),
    counting("threshold-edge", Numbers::Reading(Point::O1, 2)),
    counting("threshold-edge", Numbers::Reading(Point::O1Realloc, 1)),
    counting("threshold-edge", Numbers::Reading(Point::O1Realloc, 2)),
    counting("threshold-header-left-out", Numbers::Reading(Point::O1, 4)),
    counting("threshold-header-left-out", Numbers::Reading(Point::O1Realloc, 4)),
    counting("calloc-threshold-edge", Numbers::Reading(Point::O2, 1)),
    counting("calloc-threshold-edge", Numbers::Reading(Point::O2, 2)),
    counting("realloc-never-maps", Numbers::Reading(Point::O3, 2)),
    counting("realloc-never-maps", Numbers::Reading(Point::O3, 3)),
    counting("realloc-never-maps", Numbers::Reading(Point::O3, 4)),
    counting("realloc-never-maps", Numbers::Reading(Point::O3, 5)),
    counting("realloc-extends-what-became-last", Numbers::Reading(Point::O4, 1)),
    counting("realloc-extends-what-became-last", Numbers::Reading(Point::O4, 2)),
    counting("realloc-mapping-moves-needlessly", Numbers::Reading(Point::O5, 1)),
    counting("realloc-stays-mapped", Numbers::Reading(Point::O5, 2)),
    counting("coalescing-too-early", Numbers::Reading(Point::O6, 1)),
];
