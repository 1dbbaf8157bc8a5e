//! R1: `os_calloc` gives NULL for no elements and for elements of no size, and asks nothing of the system (R4 comes later).
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, calloc_gives_null, free, scenario};

scenario!(|| {
    calloc_gives_null(0, 8);
    calloc_gives_null(8, 0);
    calloc_gives_null(0, 0);
    let block = calloc(4, 25);
    calloc_gives_null(0, 100);
    calloc_gives_null(100, 0);
    free(block);
});
