//! R12 (c): where all free blocks behind it do not suffice, the block moves, and its old place is one free block together with
//! them.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario};

scenario!(|| {
    let [block, next, _guard] = [500, 500, 100].map(malloc);
    let place = block.place();
    free(next);
    let _block = realloc(block, 2000);
    let both = malloc(1010);
    same_place(&both, place);
});
