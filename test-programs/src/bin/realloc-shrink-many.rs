//! R11, R5: a block that shrinks step by step leaves a rest each time; merged, they hold a block of nearly all it gave up.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario};

scenario!(|| {
    let [block, _guard] = [10_000, 100].map(malloc);
    let place = block.place();
    let block = [9000, 8000, 7000, 6000, 5000, 4000, 3000, 2000].into_iter().fold(block, realloc);
    same_place(&block, place);
    let _rests = malloc(7900);
});
