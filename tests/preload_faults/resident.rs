//! The memory that stays resident after a peak, compared with the C library's own malloc.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::run::{Programs, bare, preloaded, run};

/// The memory that is allowed, in percent of the C library's, and on top of that for the library's own data.
const MOST_TIMES: u64 = 120;
const MOST_KIB_MORE: u64 = 2048;

/// Orders and sizes of blocks. The first [`ALWAYS`] are always tried, the others with `OSMEM_TEST_ROUNDS` beyond 1.
const PEAKS: [(&str, &str); 21] = [
    ("up", "100"),
    ("up", "1000"),
    ("up", "20000"),
    ("down", "40"),
    ("down", "1500"),
    ("down", "20000"),
    ("random", "300"),
    ("random", "1000"),
    ("random", "5000"),
    ("random", "20000"),
    ("up", "40"),
    ("up", "300"),
    ("up", "1500"),
    ("up", "5000"),
    ("down", "100"),
    ("down", "300"),
    ("down", "1000"),
    ("down", "5000"),
    ("random", "40"),
    ("random", "100"),
    ("random", "1500"),
];
const ALWAYS: usize = 10;

/// The stages of a program with its KiB at each.
fn stages(command: &mut Command) -> Vec<(String, u64)> {
    let ran = run(command);
    assert!(ran.status.success(), "{command:?}: {ran:?}");
    let lines = ran.out.lines().map(|line| line.split_once(' ').unwrap());
    lines.map(|(name, figure)| (name.to_string(), figure.parse().unwrap())).collect()
}

/// The stages, but the first, at which the program has too much.
fn excesses(program: &Path, arguments: &[&str]) -> Vec<String> {
    let theirs = stages(bare(program).args(arguments));
    let ours = stages(preloaded(program).args(arguments));
    let names = |stages: &[(String, u64)]| stages.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&theirs), names(&ours));
    assert!(theirs.len() > 1 && theirs[0].0 == "peak" && theirs[0].1 > 100_000, "{theirs:?}");
    let pairs = theirs.into_iter().zip(ours).skip(1);
    let beyond = pairs.filter(|((_, theirs), (_, ours))| *ours > theirs * MOST_TIMES / 100 + MOST_KIB_MORE);
    beyond
        .map(|((name, theirs), (_, ours))| format!("{arguments:?} {name}: {ours} KiB, the C library {theirs}"))
        .collect()
}

#[test]
fn a_peak_freed_in_any_order_goes_back() {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/peak.c", "peak", &[]);
    let rounds = env::var("OSMEM_TEST_ROUNDS").map_or(1, |rounds| rounds.parse::<usize>().unwrap());
    let peaks = if rounds > 1 { &PEAKS[..] } else { &PEAKS[..ALWAYS] };
    let wrong: Vec<_> = peaks.iter().flat_map(|(order, size)| excesses(&program, &[order, size])).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_peak_with_a_short_thread_goes_back() {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/thread_at_peak.c", "thread_at_peak", &[]);
    let wrong: Vec<_> = ["0", "1"].iter().flat_map(|threads| excesses(&program, &[threads])).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
