//! R12 (c), R7: nothing fits and the heap ends with a used block: a new block is added behind it, and the old one is free
//! afterwards.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario};

scenario!(|| {
    let [block, _last] = [100_000, 100_000].map(malloc);
    let place = block.place();
    let _block = realloc(block, 110_000);
    let again = malloc(100_000);
    same_place(&again, place);
});
