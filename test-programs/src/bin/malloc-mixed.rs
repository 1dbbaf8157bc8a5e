//! R3, R4, R6, R7, R9: small, medium and large sizes in turn; the last one extends the heap. Freed in reverse (R8).
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, malloc, scenario};

scenario!(|| {
    let sizes = [60_000, 8, 200_000, 1000, 40_000, 24, 150_000, 20_000, 100, 300_000, 4000, 30_000];
    let blocks = sizes.map(malloc);
    free_all(blocks.into_iter().rev());
});
