//! Blocks of the C library's own malloc, and calls when a process ends.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use crate::run::{Programs, bare, fine, preloaded, run};

/// What the program ends with where there is nothing to test.
const UNTESTED: i32 = 77;

/// Passes a block to each function. Under abort it is said and ends the process; under report it is said, and all goes on.
fn a_block_of_the_c_library_is_said(kind: &str, plugin: &Path, program: &Path) {
    for function in ["free", "realloc", "malloc_usable_size"] {
        for setting in ["report", "abort"] {
            let mut command = preloaded(program);
            let ran = run(command.args([kind, function]).arg(plugin).env("OSMEM_ON_MISUSE", setting));
            if ran.status.code() == Some(UNTESTED) {
                eprintln!("not tested: the C library has no other name for malloc");
                return;
            }
            let asks = function == "malloc_usable_size"; // a question is no misuse
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
fn a_block_of_the_c_librarys_other_malloc_is_said_to_be_none() {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/foreign.c", "foreign", &["-ldl"]);
    a_block_of_the_c_library_is_said("libc", Path::new(""), &program);
}

/// Such a plugin finds the C library's malloc before ours.
#[test]
fn a_block_of_a_deeply_bound_plugin_is_said_to_be_none() {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/foreign.c", "foreign", &["-ldl"]);
    let plugin = programs.compile("preload_faults/plugin.c", "plugin.so", &["-shared", "-fPIC"]);
    a_block_of_the_c_library_is_said("deep", &plugin, &program);
}

#[test]
fn calls_come_until_the_very_end_of_a_process() {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/late.c", "late", &[]);
    for end in ["exit", "quick"] {
        assert_eq!(fine(bare(&program).arg(end)), "", "the program is right");
        for cache in ["1", "0"] {
            assert_eq!(fine(preloaded(&program).arg(end).env("OSMEM_THREAD_CACHE", cache)), "");
        }
    }
}
