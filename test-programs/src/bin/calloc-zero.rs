//! R1: `os_calloc` gives NULL for no elements and for elements of no size, and asks nothing of the system.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc_gives_null, scenario};

scenario!(|| {
    calloc_gives_null(0, 8);
    calloc_gives_null(8, 0);
    calloc_gives_null(0, 0);
});
