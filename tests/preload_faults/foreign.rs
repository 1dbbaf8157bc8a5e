//! Blocks of the C library's own malloc, and calls at the end of a process.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use crate::run::{Programs, bare, fine, preloaded, run};

/// The exit code of a program that finds nothing to test.
const UNTESTED: i32 = 77;

/// Passes a foreign block to each function. Either setting reports it; abort also ends the process.
fn reports_a_block(kind: &str, plugin: &Path, program: &Path) {
    for function in ["free", "realloc", "malloc_usable_size"] {
        for setting in ["report", "abort"] {
            let mut command = preloaded(program);
            let ran = run(command.args([kind, function]).arg(plugin).env("OSMEM_ON_MISUSE", setting));
            if ran.status.code() == Some(UNTESTED) {
                eprintln!("not tested: the C library has no other name for malloc");
                return;
            }
            let asks = function == "malloc_usable_size"; // to ask is no misuse
            let pointer = ran.out.lines().next().unwrap_or_else(|| panic!("{command:?}: {ran:?}"));
            let line = format!("osmem: {function}({pointer}): it is no block of this allocator\n");
            assert_eq!(ran.errors, if asks { "" } else { &line }, "{command:?}: {ran:?}");
            if setting == "abort" && !asks {
                assert_eq!(ran.status.signal(), Some(6), "{command:?}: {ran:?}");
            } else {
                assert!(ran.status.success() && ran.out.ends_with("\non\n"), "{command:?}: {ran:?}");
            }
        }
    }
}

#[test]
fn a_block_of_libc_malloc_passed_to_free_is_reported() {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/foreign.c", "foreign", &["-ldl"]);
    reports_a_block("libc", Path::new(""), &program);
}

/// `RTLD_DEEPBIND` makes a plugin find the C library's malloc before ours.
#[test]
fn a_block_of_a_deeply_bound_plugin_passed_to_free_is_reported() {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/foreign.c", "foreign", &["-ldl"]);
    let plugin = programs.compile("preload_faults/plugin.c", "plugin.so", &["-shared", "-fPIC"]);
    reports_a_block("deep", &plugin, &program);
}

#[test]
fn malloc_at_the_end_of_a_process_works() {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/late.c", "late", &[]);
    for end in ["exit", "quick"] {
        assert_eq!(fine(bare(&program).arg(end)), "", "the program is right");
        for cache in ["1", "0"] {
            assert_eq!(fine(preloaded(&program).arg(end).env("OSMEM_THREAD_CACHE", cache)), "");
        }
    }
}
