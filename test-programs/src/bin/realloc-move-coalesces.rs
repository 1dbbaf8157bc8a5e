//! R12 (c), R5: a block that must move finds its new place among merged free blocks.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario};

scenario!(|| {
    let [first, second, _g1, block, _g2] = [1000, 1000, 100, 500, 100].map(malloc);
    let place = first.place();
    free(second);
    free(first);
    let block = realloc(block, 2000);
    same_place(&block, place);
});
