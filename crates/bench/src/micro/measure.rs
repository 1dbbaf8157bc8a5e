//! One group in this process: the allocators take turns, so that whatever disturbs the machine disturbs all of them.

use super::group::{Group, SYSTEM, rivals};
use super::report::{GroupResult, RivalResult};
use crate::numbers::{median, quantile};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long and how often.
#[derive(Clone, Copy)]
pub struct Effort {
    /// Rounds; in each, every allocator has one turn.
    pub rounds: usize,
    /// Length of a turn.
    pub turn: Duration,
    /// Longest time to reach a steady state.
    pub warm_up: Duration,
}

impl Effort {
    pub const FULL: Self = Self { rounds: 21, turn: Duration::from_millis(15), warm_up: Duration::from_secs(3) };
    pub const QUICK: Self = Self { rounds: 7, turn: Duration::from_millis(5), warm_up: Duration::from_millis(600) };
}

/// Measures the allocators whose names `wanted` accepts, and the system in any case.
pub fn measure(group: &Group, effort: Effort, wanted: impl Fn(&str) -> bool) -> GroupResult {
    let mut turns = Vec::new();
    for rival in rivals(group.kind).into_iter().filter(|rival| rival.name == SYSTEM || wanted(rival.name)) {
        let mut runner = (rival.start)(group.kind);
        // At least as many replacements as there are live blocks, in pieces small enough to stop in time.
        let start = Instant::now();
        let mut calls = 1;
        let mut pace = 1.0;
        let mut done = 0;
        while start.elapsed() < effort.warm_up && (done < 2 * group.blocks() || start.elapsed() < effort.turn) {
            let (seconds, did) = timed(|| runner.run(calls));
            pace = seconds / count(did);
            done += did;
            calls = calls.saturating_mul(2).min(calls_for(effort.turn, pace).max(calls));
        }
        turns.push((rival.name, runner, calls_for(effort.turn, pace), Vec::new()));
    }
    for round in 0..effort.rounds {
        let first = round % turns.len();
        let order: Vec<_> = (first..turns.len()).chain(0..first).collect();
        for at in order {
            let (_, runner, calls, times) = &mut turns[at];
            runner.run(*calls / 8); // what the others pushed out of the caches comes back
            let (seconds, did) = timed(|| runner.run(*calls));
            times.push(seconds / count(did) * 1e9);
        }
    }
    let system = turns[0].3.clone();
    let results = turns.iter().map(|(name, _, _, times)| {
        let ratios: Vec<f64> = times.iter().zip(&system).map(|(own, system)| own / system).collect();
        RivalResult {
            allocator: (*name).to_string(),
            nanoseconds: median(times),
            ratio: median(&ratios),
            low: quantile(&ratios, 0.1),
            high: quantile(&ratios, 0.9),
        }
    });
    GroupResult { name: group.name.clone(), live: group.blocks(), results: results.collect() }
}

fn timed(work: impl FnOnce() -> u64) -> (f64, u64) {
    let start = Instant::now();
    let did = black_box(work());
    (start.elapsed().as_secs_f64(), did)
}

#[expect(clippy::cast_precision_loss, reason = "a number of calls")]
fn count(calls: u64) -> f64 {
    calls.max(1) as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of calls")]
fn calls_for(turn: Duration, pace: f64) -> u64 {
    ((turn.as_secs_f64() / pace) as u64).max(2)
}
