//! R12 (b), R6: a block grows into the free one behind it, cuts it, and leaves the rest free.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario};

scenario!(|| {
    let [block, next, _guard] = [500, 1000, 100].map(malloc);
    let place = block.place();
    free(next);
    let block = realloc(block, 1000);
    same_place(&block, place);
    let _rest = malloc(500);
});
