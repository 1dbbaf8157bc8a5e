//! `libosmem.so` under hard conditions: another allocator that moves the break, pointers to anywhere, forks in the middle of a
//! call, and contention.
#![expect(clippy::unwrap_used, reason = "a panic here is the report")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "these tests need only the library")]
mod support;

#[path = "../support/run.rs"]
#[expect(dead_code, reason = "nothing is preloaded here")]
mod run;

use std::path::{Path, PathBuf};
use std::process::Command;

use run::{Programs, bare, fine, run};
use support::built;

/// Compiles a C file and links it with the library.
fn linked(programs: &Programs, source: &str) -> PathBuf {
    programs.compile(source, "program", &["-DOS", built().library.to_str().unwrap()])
}

/// A command for a program that finds the library where it was built.
fn command(program: &Path) -> Command {
    let mut command = bare(program);
    command.env("LD_LIBRARY_PATH", &built().dir);
    command
}

/// The number of runs of both allocators side by side.
const RUNS: usize = 10;

/// The C library's malloc of the main thread moves the break, which cannot be made safe: `include/osmem.h` says so. That of
/// other threads does not. The moves that are noticed are tested in `src/sys/linux.rs`.
#[test]
fn blocks_beside_those_of_another_thread_do_not_overlap() {
    let programs = Programs::new();
    let program = linked(&programs, "os_faults/beside.c");
    for number in 0..RUNS {
        let ran = run(&mut command(&program));
        assert!(ran.status.success(), "run {number}: {ran:?}");
        assert_eq!(ran.out, "0 0 0\n", "run {number}: overlaps, lost contents, refusals");
    }
}

#[test]
fn errno_under_contention_is_kept() {
    let programs = Programs::new();
    let program = linked(&programs, "os_faults/errno.c");
    assert_eq!(fine(&mut command(&program)), "");
}

#[test]
fn fork_in_a_signal_handler_ends() {
    let programs = Programs::new();
    let program = linked(&programs, "preload_faults/fork_in_handler.c");
    assert_eq!(fine(command(&program).arg("300")), "");
}

/// The library with the handlers is initialised before ours, so that our handler runs before its own.
#[test]
fn fork_beside_other_fork_handlers_and_streams_ends() {
    let programs = Programs::new();
    let handlers = programs.compile("os_faults/handlers.c", "libhandlers.so", &["-shared", "-fPIC"]);
    let include = format!("-I{}", built().root.join("include").display());
    let libraries = [built().library.to_str().unwrap(), handlers.to_str().unwrap()];
    let program = programs.compile("os_faults/handled.c", "handled", &[&include, libraries[0], libraries[1]]);
    assert_eq!(fine(&mut command(&program)), "");
}

/// The program gets exactly the lines that it announces, one for each call.
#[test]
fn pointers_to_anywhere_under_each_setting_are_no_blocks() {
    let programs = Programs::new();
    let program = linked(&programs, "preload_faults/pointers.c");
    let mut wrong = Vec::new();
    for setting in ["report", "ignore", "abort"] {
        let ran = run(command(&program).arg(setting).env("OSMEM_ON_MISUSE", setting));
        let said = ran
            .errors
            .lines()
            .filter(|line| ["osmem: os_free(", "osmem: os_realloc("].iter().any(|call| line.starts_with(call)));
        if !ran.status.success() || ran.out.trim_end() != said.count().to_string() {
            wrong.push(format!("{setting}: {}, {}", ran.status, ran.errors.lines().last().unwrap_or_default()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
