//! R4: mapped requests (R3, R9) before the first heap request do not trigger the preallocation.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, scenario};

scenario!(|| {
    let first = malloc(200_000);
    let _second = malloc(500_000);
    free(first);
    // Only now the heap is needed.
    let _heap = malloc(100);
});
