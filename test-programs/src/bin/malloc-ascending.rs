//! R3, R4, R6, R9: an array of ascending sizes: small and medium ones side by side on the heap, large ones mapped; then all
//! freed (R8).
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, malloc, scenario};

scenario!(|| {
    // The last three are mapped.
    let blocks = [8, 24, 100, 500, 1000, 4000, 10_000, 60_000, 132_000, 200_000, 300_000].map(malloc);
    free_all(blocks);
});
