//! R12 (c), R5: a block that cannot grow where it is moves into a freed one that fits; its old place is free afterwards.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario};

scenario!(|| {
    let [hole, _guard, block, _next] = [2000, 100, 500, 100].map(malloc);
    let (there, here) = (hole.place(), block.place());
    free(hole);
    let block = realloc(block, 1500);
    same_place(&block, there);
    let again = malloc(500);
    same_place(&again, here);
});
