//! C programs with threads: blocks that another thread frees, threads that end, threads that fork.

use std::process::Command;

use crate::run::{Place, compiled};

#[test]
fn threads_free_what_others_allocate() {
    let place = Place::new();
    let program = compiled(&place, "threads.c");
    let output = place.same(|_| Command::new(&program));
    assert_eq!(output.lines().count(), 4, "{output}");
}

#[test]
fn a_threaded_program_forks() {
    let place = Place::new();
    let program = compiled(&place, "forks.c");
    assert_eq!(place.same(|_| Command::new(&program)), "200 forks, 0 wrong\n");
}
