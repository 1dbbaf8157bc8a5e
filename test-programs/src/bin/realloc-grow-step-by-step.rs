//! R12 (b): a block that doubles again and again grows into the rest of the preallocation behind it, without a move or a system
//! call.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario};

scenario!(|| {
    let block = malloc(10);
    let place = block.place();
    let block = [20, 40, 80, 160, 1000, 5000, 20_000, 60_000, 120_000].into_iter().fold(block, realloc);
    same_place(&block, place);
    let _behind = malloc(100);
});
