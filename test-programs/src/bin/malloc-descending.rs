//! R3, R4, R6, R9: an array of descending sizes: the preallocation comes after the mappings; then all freed (R8).
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, malloc, scenario};

scenario!(|| {
    // The first three are mapped.
    let blocks = [300_000, 200_000, 132_000, 60_000, 10_000, 4000, 1000, 500, 100, 24, 8].map(malloc);
    free_all(blocks);
});
