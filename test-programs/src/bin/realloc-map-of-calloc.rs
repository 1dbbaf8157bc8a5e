//! R13, R3: a mapping of `os_calloc` is resized by the threshold of `os_malloc`: larger or smaller, it moves to the heap below
//! 128 KiB.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, realloc, scenario};

scenario!(|| {
    let _larger = realloc(calloc(1, 10_000), 20_000);
    let _smaller = realloc(calloc(10, 1000), 5000);
    let _mapped = realloc(calloc(1, 10_000), 140_000);
});
