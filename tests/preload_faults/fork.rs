//! Forks beside the locks of the C library, and in the middle of a call.

use crate::run::{Programs, fine, preloaded};

/// Seconds for which the threads contend.
const SECONDS: &str = "4";

fn forks_beside_streams(readers: &str) {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/fork_stdio.c", "fork_stdio", &[]);
    let file = programs.path("lines");
    assert_eq!(fine(preloaded(&program).arg(file).args([SECONDS, readers])), "");
}

#[test]
fn fork_beside_two_readers_and_a_flush_ends() {
    forks_beside_streams("2");
}

#[test]
fn fork_beside_four_readers_and_a_flush_ends() {
    forks_beside_streams("4");
}

#[test]
fn fork_in_a_signal_handler_ends() {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/fork_in_handler.c", "fork_in_handler", &[]);
    assert_eq!(fine(preloaded(&program).arg("300")), "");
}
