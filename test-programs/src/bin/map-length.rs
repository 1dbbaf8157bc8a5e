//! R9, R8: a mapping is as long as header and aligned payload, not rounded to pages, when it is made and when it is given back.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free, free_all, malloc, scenario};

scenario!(|| {
    let blocks = [131_073, 150_001, 200_007, 1_000_000].map(malloc);
    free_all(blocks);
    free(calloc(3, 1667));
});
