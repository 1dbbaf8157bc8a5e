//! The growth of the heap: its place, its mappings and its system calls.

use std::fs;
use std::process::Command;

use crate::run::{Programs, fine, preloaded, run, tool};

/// The number of mappings that may be added.
const MORE_MAPPINGS: i32 = 100;
/// The least number of blocks, of 1 KiB on average, per system call.
const BLOCKS_PER_CALL: usize = 10;

/// Counts these system calls of a program under strace. The program must succeed.
pub fn calls(command: &mut Command, which: &str) -> usize {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut strace = Command::new(tool("strace"));
    strace.args(["-f", "-qq", "-e", "signal=none", "-e", &format!("trace={which}"), "-o"]).arg(log.path());
    for (name, value) in command.get_envs() {
        // Strace itself runs without the library.
        let option = value.map_or_else(|| name.into(), |value| [name, value].join("=".as_ref()));
        strace.arg("-E").arg(option);
    }
    strace.arg(command.get_program()).args(command.get_args());
    let ran = run(&mut strace);
    assert!(ran.status.success(), "{strace:?}: {}\n{}", ran.status, ran.errors);
    fs::read_to_string(log.path()).unwrap().lines().filter(|line| line.contains('(')).count()
}

fn grows(kind: &str) {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/layout.c", "layout", &[]);
    let ran = run(preloaded(&program).args([kind, "300000"]));
    let figures: Vec<i32> = ran.out.split_whitespace().map(|figure| figure.parse().unwrap()).collect();
    let [refused, before, during, after] = figures[..] else { panic!("{ran:?}") };
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(refused, 0, "blocks refused");
    assert!(during <= before + MORE_MAPPINGS, "{before} mappings, with 300 MB of blocks {during}");
    assert!(after <= before + MORE_MAPPINGS, "{before} mappings, and after all was freed {after}");

    const FEW: usize = 50_000;
    let made = calls(preloaded(&program).args([kind, &FEW.to_string()]), "%memory");
    assert!(made < FEW / BLOCKS_PER_CALL, "{made} system calls for {FEW} blocks");
}

#[test]
fn the_heap_with_room_above_the_break_grows() {
    grows("free");
}

#[test]
fn the_heap_with_a_page_above_the_break_grows() {
    grows("page");
}

#[test]
fn the_heap_with_no_room_above_the_break_grows() {
    grows("wide");
}

#[test]
fn malloc_beside_ten_thousand_mappings_succeeds() {
    crowded("many");
}

#[test]
fn malloc_at_the_limit_of_mappings_refuses_and_goes_on() {
    crowded("full");
}

fn crowded(kind: &str) {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/crowded.c", "crowded", &[]);
    let errors = fine(preloaded(&program).arg(kind));
    assert!(errors.is_empty() || errors.starts_with("not tested: "), "{errors}");
}
