//! R4: what `os_calloc` maps, from the size of a page on (R3), does not trigger the preallocation.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free, scenario};

scenario!(|| {
    let first = calloc(1, 5000);
    let _second = calloc(300, 1000);
    free(first);
    // Only now the heap is needed.
    let _heap = calloc(10, 10);
});
