//! R11: a heap block resized to the size it has, counted in aligned bytes, stays where it is without a system call.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario};

scenario!(|| {
    let [block, _guard] = [1000, 100].map(malloc);
    let place = block.place();
    let block = [1000, 993, 1000].into_iter().fold(block, realloc);
    same_place(&block, place);
});
