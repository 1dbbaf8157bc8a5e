//! A break that the program, a thread or the C library's own malloc moves, and one that stays where it is.

use std::fs;

use object::{Object, ObjectSymbol};

use crate::layout::calls;
use crate::run::{Programs, fine, preloaded};
use crate::support::built;

fn keeps_contents_while_the_break_moves(kind: &str) {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/break_mix.c", "break_mix", &["-ldl"]);
    assert_eq!(fine(preloaded(&program).arg(kind)), "");
}

#[test]
fn a_break_that_goes_up_and_down_takes_no_contents() {
    keeps_contents_while_the_break_moves("down");
}

#[test]
fn a_break_that_goes_up_by_odd_numbers_takes_no_contents() {
    keeps_contents_while_the_break_moves("odd");
}

#[test]
fn a_break_that_another_thread_moves_takes_no_contents() {
    keeps_contents_while_the_break_moves("thread");
}

#[test]
fn the_c_librarys_own_malloc_takes_no_contents() {
    keeps_contents_while_the_break_moves("libc");
}

/// The heap has addresses of its own: what moves the break does not meet it.
#[test]
fn the_break_does_not_move() {
    let programs = Programs::new();
    let program = programs.compile("preload_faults/layout.c", "layout", &[]);
    let [few, many] = ["0", "50000"].map(|blocks| calls(preloaded(&program).args(["free", blocks]), "brk"));
    assert_eq!(few, many, "calls of brk without blocks and with 50 MB of them");
}

/// Nor could it, by the C library's functions; the heap of `os_malloc` is not linked into this library.
#[test]
fn the_library_imports_nothing_that_moves_the_break() {
    let bytes = fs::read(&built().malloc_library).unwrap();
    let library = object::File::parse(&*bytes).unwrap();
    let imported = library.dynamic_symbols().filter(|symbol| symbol.is_undefined());
    let names: Vec<_> = imported.map(|symbol| symbol.name().unwrap().to_string()).collect();
    assert!(names.iter().any(|name| name == "abort"), "the imports are read: {names:?}");
    let wrong: Vec<_> = names.iter().filter(|name| ["brk", "sbrk", "__sbrk"].contains(&name.as_str())).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
