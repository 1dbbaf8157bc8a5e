//! What an allocator seems to count with: header, preallocation, thresholds, read off its runs.

use crate::call::{Address, Granting, NULL, Request, System};
use crate::follow::Follower;
use crate::hypotheses::SeenNumbers;
use crate::params::{HEAP, Params};
use crate::readings::{Allowed, Point, Readings};
use crate::run::{Call, Run, Step};

/// What was seen; `None` where the runs do not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inferred {
    /// Bytes in front of a payload.
    pub header: Option<u64>,
    /// The first move of the break, the same in every run.
    pub preallocation: Option<u64>,
    /// Where malloc's and realloc's mappings begin: header + aligned size.
    pub mmap_threshold: Option<u64>,
    /// Where calloc's begin.
    pub calloc_threshold: Option<u64>,
}

/// Nobody needs a longer header; a mistaken allocator may show anything.
const LONGEST_HEADER: u64 = 256;

impl Inferred {
    /// Reads it off `runs`, of an allocator that ought to count with `right`.
    pub fn of(runs: &[&Run], right: Params) -> Self {
        let header = most_common(runs.iter().filter_map(|run| header_of(run)));
        let params = Params { header: header.unwrap_or(right.header), ..right };
        let first_moves: Vec<u64> = runs.iter().filter_map(|run| first_move(run)).collect();
        let same = first_moves.first().filter(|first| first_moves.iter().all(|other| other == *first));
        let (malloc, calloc) = (Sides::of(runs, params, false), Sides::of(runs, params, true));
        Self {
            header,
            preallocation: same.copied(),
            mmap_threshold: malloc.threshold(right.mmap_threshold, params),
            calloc_threshold: calloc.threshold(right.calloc_threshold, params),
        }
    }

    /// `right` with what was seen instead.
    pub fn params(&self, right: Params) -> Params {
        Params {
            header: self.header.unwrap_or(right.header),
            preallocation: self.preallocation.unwrap_or(right.preallocation),
            mmap_threshold: self.mmap_threshold.unwrap_or(right.mmap_threshold),
            calloc_threshold: self.calloc_threshold.unwrap_or(right.calloc_threshold),
            ..right
        }
    }

    /// For hypotheses that count with what was seen.
    pub fn numbers(&self) -> SeenNumbers {
        SeenNumbers { preallocation: self.preallocation, threshold: self.mmap_threshold }
    }

    /// What differs from `right`, a sentence each.
    pub fn sentences(&self, right: Params) -> Vec<String> {
        let numbers = [
            ("HEADER", self.header, right.header),
            ("PREALLOCATION", self.preallocation, right.preallocation),
            ("MMAP_THRESHOLD", self.mmap_threshold, right.mmap_threshold),
            ("CALLOC_THRESHOLD", self.calloc_threshold, right.calloc_threshold),
        ];
        let differing = numbers.iter().filter_map(|(name, seen, right)| Some((name, (*seen)?, right)));
        differing
            .filter(|(_, seen, right)| seen != *right)
            .map(|(name, seen, right)| format!("behaves as if {name} were {seen} (the contract: {right})"))
            .collect()
    }
}

/// The readings of the open points that agree with all runs that keep the contract, each point by itself.
pub fn settle(runs: &[&Run], params: Params) -> Allowed {
    let mut settled = Allowed::core();
    for run in runs {
        let mut follower = Follower::new(params, Allowed::core(), run.brk);
        let keeps = run.steps.iter().all(|step| match step {
            Step::Program(to) => {
                follower.program(*to);
                true
            }
            Step::Call(call) => follower.call(call).is_none(),
        });
        if keeps {
            settled = settled.narrowed(&follower.allowed());
        }
    }
    settled
}

/// The readings other than the contract's that were seen, a sentence each.
pub fn reading_sentences(settled: &Allowed) -> Vec<String> {
    Point::ALL
        .into_iter()
        .filter_map(|point| settled.of(point).next().filter(|choice| *choice > 0).map(|choice| (point, choice)))
        // What holds for malloc is not said of realloc again.
        .filter(|(point, _)| *point != Point::O1Realloc || alike(settled).is_none())
        .map(|(point, choice)| format!("{} ({}, left open)", point.sentence(choice), point.name()))
        .collect()
}

/// The contract's readings where nothing else was seen; realloc's threshold is malloc's where that may be.
pub fn readings(settled: &Allowed) -> Readings {
    let first = settled.first();
    alike(settled).map_or(first, |choice| first.with(Point::O1Realloc, choice))
}

/// O1: malloc's reading, if it may be realloc's too.
fn alike(settled: &Allowed) -> Option<usize> {
    let malloc = settled.of(Point::O1).next()?;
    settled.of(Point::O1Realloc).find(|choice| *choice == malloc)
}

fn most_common(values: impl Iterator<Item = u64>) -> Option<u64> {
    let mut counted: Vec<(u64, usize)> = Vec::new();
    for value in values {
        match counted.iter_mut().find(|(other, _)| *other == value) {
            Some((_, count)) => *count += 1,
            None => counted.push((value, 1)),
        }
    }
    counted.iter().rev().max_by_key(|(_, count)| *count).map(|(value, _)| *value)
}

/// The first block of the heap begins at HEAP, and a block in a mapping begins with it: the payload is a header further.
fn header_of(run: &Run) -> Option<u64> {
    let results = || run.calls().filter_map(|call| call.result);
    let heap = results().find(|result| in_heap(*result)).map(|result| result - HEAP);
    let mapping = || results().find_map(|result| Granting::mapping_of(result).map(|(_, offset)| offset));
    heap.or_else(mapping).filter(|header| (8..=LONGEST_HEADER).contains(header) && header.is_multiple_of(8))
}

fn first_move(run: &Run) -> Option<u64> {
    // A heap that was there before has no name, and shows no first move.
    header_of(run)?;
    if run.calls().filter_map(|call| call.result).any(|result| result != NULL && result < HEAP) {
        return None;
    }
    let moved = run.calls().flat_map(|call| &call.asked).find_map(|event| match event {
        System::Brk { to, now } if to == now => Some(*to),
        _ => None,
    })?;
    moved.checked_sub(HEAP).filter(|_| run.steps.iter().all(|step| matches!(step, Step::Call(_))))
}

fn in_heap(address: Address) -> bool {
    address >= HEAP && Granting::mapping_of(address).is_none()
}

/// The largest request that came from the heap, and the smallest that was mapped, as header + aligned size.
struct Sides {
    heap: u64,
    mapped: u64,
}

impl Sides {
    fn of(runs: &[&Run], params: Params, calloc: bool) -> Self {
        let mut sides = Self { heap: 0, mapped: u64::MAX };
        for call in runs.iter().flat_map(|run| run.calls()) {
            let Some((size, result)) = block_asked_for(call, calloc) else { continue };
            let need = params.need(size);
            match Granting::mapping_of(result) {
                Some(_) => sides.mapped = sides.mapped.min(need),
                None if in_heap(result) => sides.heap = sides.heap.max(need),
                None => {}
            }
        }
        sides
    }

    /// A threshold between the two: the right one if it may be, else the roundest.
    fn threshold(&self, right: u64, params: Params) -> Option<u64> {
        // O1, O2: some readings of the right threshold map a little later.
        if self.mapped < u64::MAX && self.mapped >= right && self.heap < right + params.smallest_block() {
            return Some(right);
        }
        let between = self.heap + 1..=self.mapped;
        if self.mapped == u64::MAX || self.heap == 0 || between.is_empty() {
            return None;
        }
        let power = (12..40).map(|power| 1_u64 << power).find(|power| between.contains(power));
        // As kilobytes of 1000 bytes each, 128 of them most likely.
        let thousands = [right / 1024 * 1000, (self.heap / 1000 + 1) * 1000];
        let thousands = thousands.into_iter().find(|thousands| between.contains(thousands));
        power.or(thousands).or(Some(self.mapped))
    }
}

/// The size and the result of a call that gives a new block.
fn block_asked_for(call: &Call, calloc: bool) -> Option<(u64, Address)> {
    let result = call.result.filter(|result| *result != NULL)?;
    match call.request {
        Request::Malloc { size } | Request::Realloc { pointer: NULL, size } if !calloc => Some((size, result)),
        Request::Calloc { nmemb, size } if calloc => Some((nmemb.checked_mul(size)?, result)),
        _ => None,
    }
    .filter(|(size, _)| *size < 1 << 40)
}
