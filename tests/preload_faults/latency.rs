//! The worst call of a sequence, beside the C library's worst. Each call counts with the least processor time that it took in
//! several runs: what the machine does besides falls out.

use std::fs;
use std::path::Path;

use crate::run::{Programs, bare, fine, preloaded};

const RUNS: usize = 5;
const PATTERNS: [&str; 7] = ["wave", "shuffled", "many", "mixed", "large", "growing", "halves"];

/// A call may take as long as the C library's worst, or so many nanoseconds.
const WORST: u32 = 2_000_000;
/// So many calls in a thousand are looked at together; they may take twice as long as the C library's, and so much more.
const SELDOM: usize = 1;
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
fn no_call_takes_much_longer_than_the_c_librarys_worst() {
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
