//! A few fixed programs that show how a library reads the contract's open points, before random ones are drawn for it.

use std::time::Duration;

use osmem_oracle::infer;
use osmem_oracle::params::Params;
use osmem_oracle::program::{Op, Pointer};
use osmem_oracle::readings::Readings;
use osmem_oracle::run::{End, Run};
use osmem_trace::header;

use crate::error::Error;
use crate::lab::Lab;
use crate::oracle::{self, Together};

/// What the library counts with and how it reads open points.
pub struct Calibrated {
    /// What it counts with.
    pub params: Params,
    /// The readings that it keeps to.
    pub readings: Readings,
    /// Both in words, where they differ from the contract.
    pub behaves: Vec<String>,
    /// What was watched.
    pub runs: Vec<Run>,
}

/// Watches a few fixed programs. What they show of a mistake, random programs will show as well.
///
/// `own`: the header is the contract's, whatever is seen; `strict`: so are the readings.
pub fn calibrated(lab: &Lab, own: bool, strict: bool, time: Duration) -> Result<Calibrated, Error> {
    let mut runs = Vec::new();
    let goes_on = watched(lab, &[first()], time, &mut runs)?;
    let seen: Vec<&Run> = runs.iter().collect();
    let header = infer::Inferred::of(&seen, oracle::params(header::CONTRACT)).header;
    let header = header.filter(|_| !own).unwrap_or(header::CONTRACT);
    let params = oracle::params(header);
    if goes_on {
        watched(lab, &programs(params), time, &mut runs)?;
    }
    let seen: Vec<&Run> = runs.iter().collect();
    let together = Together::of(&seen, params, strict);
    let readings = if strict { Readings::CONTRACT } else { infer::readings(&infer::settle(&seen, params)) };
    Ok(Calibrated { params, readings, behaves: together.behaves, runs })
}

/// Adds the runs of programs; false if more of them would only cost time.
fn watched(lab: &Lab, programs: &[(&str, Vec<Op>)], time: Duration, runs: &mut Vec<Run>) -> Result<bool, Error> {
    for (name, ops) in programs {
        if lab.is_cancelled() {
            return Ok(false);
        }
        let watched = lab.watch(ops, name, time, None)?;
        if watched.is_cut_off() {
            return Ok(false);
        }
        let stuck = watched.run.end == End::Timeout;
        runs.push(watched.run);
        if stuck {
            return Ok(false);
        }
    }
    Ok(true)
}

const fn malloc(slot: u32, size: u64) -> Op {
    Op::Malloc { slot, size }
}

const fn free(slot: u32) -> Op {
    Op::Free { pointer: Pointer::block(slot) }
}

const fn realloc(slot: u32, size: u64) -> Op {
    Op::Realloc { slot, pointer: Pointer::block(slot), size }
}

const fn calloc(slot: u32, size: u64) -> Op {
    Op::Calloc { slot, nmemb: 1, size }
}

/// The program whose first result tells the header.
fn first() -> (&'static str, Vec<Op>) {
    ("header", vec![malloc(1, 8)])
}

/// The others, each with the point that it is about, for an allocator that counts with `params`.
fn programs(params: Params) -> Vec<(&'static str, Vec<Op>)> {
    let (header, mapped, zeroed) = (params.header, params.mmap_threshold, params.calloc_threshold);
    // Each size parts two readings of the edge.
    let edges = [mapped - header - 7, mapped - header, mapped - header + 1, mapped - 7, mapped];
    let zeroed = [zeroed - header - 8, zeroed - header - 7, zeroed - header, zeroed - header + 1];
    let each = |make: fn(u32, u64) -> Op, first: u32, sizes: &[u64]| -> Vec<Op> {
        (first..).zip(sizes).map(|(slot, size)| make(slot, *size)).collect()
    };
    let small: Vec<Op> = (1..=6).map(|slot| malloc(slot, 8)).collect();
    vec![
        // Where realloc moves a block may hang on malloc's edge: both in one program.
        ("o1", [small, each(malloc, 7, &edges), each(realloc, 1, &edges)].concat()),
        ("o2", [vec![malloc(9, 8)], each(calloc, 1, &zeroed)].concat()),
        // The last block, one that becomes the last, and one with room behind it, to a mapped size.
        ("o3", vec![malloc(1, mapped - header - 8), realloc(1, 200_000), malloc(2, 100)]),
        ("o3-becomes", vec![malloc(1, 1000), malloc(2, 130_000), free(2), realloc(1, 200_000), malloc(3, 100)]),
        (
            "o3-grows",
            vec![
                malloc(1, 1000),
                malloc(2, 100_000),
                malloc(3, 60_000),
                malloc(4, 8),
                free(2),
                free(3),
                realloc(1, 150_000),
                malloc(5, 100),
            ],
        ),
        ("o4", became_last(&[])),
        ("o4-elsewhere", became_last(&[free(1)])),
        ("o5", vec![malloc(1, 200_000), realloc(1, 200_000)]),
        ("o5-calloc", vec![calloc(1, params.calloc_threshold + 1000), realloc(1, params.calloc_threshold + 2000)]),
        // The first free neighbour leaves less than a block, both together leave more.
        (
            "o6",
            vec![
                malloc(1, 1000),
                malloc(2, 104),
                malloc(3, 1000),
                malloc(4, 8),
                free(3),
                free(2),
                realloc(1, 1000 + header + 104 - 8),
                malloc(5, 600),
                malloc(6, 800),
            ],
        ),
    ]
}

/// A block becomes the last one by absorbing, and is too small still.
fn became_last(before: &[Op]) -> Vec<Op> {
    let begin = vec![malloc(1, 100_000), malloc(2, 31_000), malloc(3, 60_000), malloc(4, 20_000)];
    [begin, before.to_vec(), vec![free(4), realloc(3, 95_000), malloc(5, 64)]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foretold;
    use osmem_oracle::params::HEAP;
    use osmem_oracle::program::Done;
    use osmem_oracle::readings::Point;
    use osmem_oracle::run::Step;

    fn run_of(ops: &[Op], params: Params, readings: Readings) -> Run {
        let step = |done: Done| match done {
            Done::Call(call) => Some(Step::Call(call)),
            Done::Break(_) | Done::Nothing => None,
        };
        let steps = foretold::demanded(ops, params, readings).into_iter().filter_map(step).collect();
        Run { name: "calibrating".to_owned(), brk: HEAP, steps, end: End::Fine, by_c_library: None }
    }

    #[test]
    fn every_reading_that_valid_programs_show_is_told() {
        for header in [8, 24, 32, 48, 256] {
            let params = Params { header, ..Params::CONTRACT };
            for point in [Point::O1, Point::O1Realloc, Point::O2, Point::O3, Point::O4, Point::O5, Point::O6] {
                // What a block absorbs before it moves to a mapping shows only where that is refused.
                for choice in (0..point.choices()).filter(|choice| (point, *choice) != (Point::O3, 1)) {
                    let mut right = Readings::CONTRACT.with(point, choice);
                    if point == Point::O1 {
                        right = right.with(Point::O1Realloc, choice);
                    }
                    let runs: Vec<Run> = programs(params).iter().map(|(_, ops)| run_of(ops, params, right)).collect();
                    let told = infer::readings(&infer::settle(&runs.iter().collect::<Vec<_>>(), params));
                    for (name, ops) in programs(params) {
                        assert_eq!(
                            run_of(&ops, params, told),
                            run_of(&ops, params, right),
                            "{header} {point:?} {choice} {name}"
                        );
                    }
                }
            }
        }
    }
}
