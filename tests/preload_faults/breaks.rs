//! A break that others move, and that this library leaves alone.

use std::fs;

use object::{Object, ObjectSymbol};

use crate::layout::calls;
use crate::run::{Programs, fine, preloaded};
use crate::support::built;

/// The number of runs of each program: a race is not lost in each.
const RUNS: usize = 3;

fn keeps_contents_while_the_break_moves(kind: &str) {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/break_mix.c", "break_mix", &["-ldl"]);
    for _ in 0..RUNS {
        assert_eq!(fine(preloaded(&program).arg(kind)), "");
    }
}

#[test]
fn blocks_beside_a_break_that_goes_up_and_down_keep_their_contents() {
    keeps_contents_while_the_break_moves("down");
}

#[test]
fn blocks_beside_a_break_at_odd_addresses_keep_their_contents() {
    keeps_contents_while_the_break_moves("odd");
}

#[test]
fn blocks_beside_a_break_that_a_thread_moves_keep_their_contents() {
    keeps_contents_while_the_break_moves("thread");
}

#[test]
fn blocks_beside_the_c_librarys_malloc_keep_their_contents() {
    keeps_contents_while_the_break_moves("libc");
}

/// The heap has addresses of its own, far from the break.
#[test]
fn the_break_under_fifty_megabytes_stays() {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/layout.c", "layout", &[]);
    let [few, many] = ["0", "50000"].map(|blocks| calls(preloaded(&program).args(["free", blocks]), "brk"));
    assert_eq!(few, many, "calls of brk without blocks and with 50 MB of them");
}

/// The heap of `os_malloc`, which needs the break, is not linked into this library.
#[test]
fn the_library_imports_no_function_of_the_break() {
    let bytes = fs::read(&built().malloc_library).unwrap();
    let library = object::File::parse(&*bytes).unwrap();
    let imported = library.dynamic_symbols().filter(|symbol| symbol.is_undefined());
    let names: Vec<_> = imported.map(|symbol| symbol.name().unwrap().to_string()).collect();
    assert!(names.iter().any(|name| name == "abort"), "the imports are read: {names:?}");
    let wrong: Vec<_> = names.iter().filter(|name| ["brk", "sbrk", "__sbrk"].contains(&name.as_str())).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
