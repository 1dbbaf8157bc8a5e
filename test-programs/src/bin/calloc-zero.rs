//! R1: `os_calloc` gives NULL for no elements and for elements of no size, and asks nothing of the system.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, calloc_gives_null, scenario, sizes};

sizes! {
    small = 96 in 16..2000;
}

scenario!(|| {
    let Sizes { small } = sizes();
    calloc_gives_null(0, 8);
    calloc_gives_null(8, 0);
    calloc_gives_null(0, 0);
    // Not a library that gives NULL for everything.
    let _block = calloc(1, small);
});
