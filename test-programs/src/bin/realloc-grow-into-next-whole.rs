//! R12 (b), R6: where too little would remain, a block takes the free one behind it whole, and later grows into the surplus
//! (R11).
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario};

scenario!(|| {
    let [block, next, _guard] = [500, 1000, 100].map(malloc);
    let place = block.place();
    free(next);
    let block = realloc(block, 1512);
    same_place(&block, place);
    let block = realloc(block, 1520);
    same_place(&block, place);
});
