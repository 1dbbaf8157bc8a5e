//! The processor time of the slowest calls of a sequence, compared with the C library's. Each call counts with its least time
//! over several runs, which leaves out interruptions.

use std::fs;
use std::path::Path;

use crate::run::{Programs, bare, fine, preloaded};

const RUNS: usize = 5;
const PATTERNS: [&str; 7] = ["wave", "shuffled", "many", "mixed", "large", "growing", "halves"];

/// A call may take as long as the C library's worst, or this number of nanoseconds.
const WORST: u32 = 2_000_000;
/// The slowest calls in a thousand that the second comparison leaves out.
const SELDOM: usize = 1;
/// The rest may take twice as long as the C library's, and this number of nanoseconds more.
const SLACK: u32 = 20_000;

/// The nanoseconds of each call, in ascending order.
fn calls(program: &Path, pattern: &str, preload: bool) -> Vec<u32> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut least: Vec<u32> = Vec::new();
    for _ in 0..RUNS {
        let mut command = if preload { preloaded(program) } else { bare(program) };
        fine(command.arg(pattern).arg(file.path()));
        let bytes = fs::read(file.path()).unwrap();
        let now = bytes.chunks_exact(4).map(|bytes| u32::from_ne_bytes(bytes.try_into().unwrap()));
        least =
            if least.is_empty() { now.collect() } else { least.into_iter().zip(now).map(|(a, b)| a.min(b)).collect() };
    }
    least.sort_unstable();
    least
}

#[test]
fn the_slowest_calls_beside_the_c_librarys_are_no_slower() {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/latency.c", "latency", &[]);
    let mut wrong = Vec::new();
    for pattern in PATTERNS {
        let [theirs, ours] = [false, true].map(|preload| calls(&program, pattern, preload));
        assert_eq!(theirs.len(), ours.len());
        let seldom = ours.len() - 1 - ours.len() * SELDOM / 1000;
        let worst = |calls: &[u32]| *calls.last().unwrap();
        if worst(&ours) > worst(&theirs).max(WORST) {
            wrong.push(format!("{pattern}: the worst call {} ns, the C library's {}", worst(&ours), worst(&theirs)));
        }
        if ours[seldom] > theirs[seldom] * 2 + SLACK {
            wrong.push(format!("{pattern}: one in a thousand {} ns, the C library's {}", ours[seldom], theirs[seldom]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
