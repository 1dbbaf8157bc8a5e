//! R6: 39 bytes fewer than the block has are 32 once aligned: too few to split, the whole block is given (the next growth, R7,
//! shows it).
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario};

scenario!(|| {
    let [_first, last] = [100_000, 100_000].map(malloc);
    let place = last.place();
    free(last);
    let block = malloc(100_000 - 39);
    same_place(&block, place);
    let _next = malloc(1000);
});
