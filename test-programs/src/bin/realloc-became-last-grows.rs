//! R12: a block that became the last one only by absorbing, and is still too small, is not extended: it moves to a new block
//! (O4).
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario};

scenario!(|| {
    let [_first, block, last] = [100_000, 20_000, 20_000].map(malloc);
    let place = block.place();
    free(last);
    let _block = realloc(block, 60_000);
    let both = malloc(40_000);
    same_place(&both, place);
});
