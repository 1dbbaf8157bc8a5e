//! C programs to which the system refuses memory, or the break.

use std::process::Command;

use crate::run::{Place, compiled, tool};

#[test]
fn a_program_goes_on_when_its_address_space_is_full() {
    limits_itself("as");
}

#[test]
fn a_program_goes_on_when_its_data_is_full() {
    limits_itself("data");
}

#[test]
fn a_program_starts_with_a_full_address_space() {
    starts_limited("ulimit -v 131072");
}

#[test]
fn a_program_starts_with_little_data() {
    starts_limited("ulimit -d 98304");
}

#[test]
fn a_program_moves_the_break_itself() {
    let place = Place::new();
    let program = compiled(&place, "moves_break.c");
    let output = place.same(|_| Command::new(&program));
    assert_eq!(output, "the break has moved\nthe break cannot move\nnothing was touched\n");
}

fn limits_itself(limit: &str) {
    let place = Place::new();
    let program = compiled(&place, "limited.c");
    let output = place.same(|_| {
        let mut command = Command::new(&program);
        command.arg(limit);
        command
    });
    assert_eq!(output.lines().count(), 7, "{output}");
}

/// The limit is there before the library is loaded.
fn starts_limited(limit: &str) {
    let place = Place::new();
    let program = compiled(&place, "limited.c");
    let output = place.same(|_| {
        let mut shell = Command::new(tool("sh"));
        shell.arg("-c").arg(format!("{limit} && exec \"$0\" none")).arg(&program);
        shell
    });
    assert_eq!(output.lines().count(), 7, "{output}");
}
