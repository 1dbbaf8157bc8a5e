//! R12 (b): where the first free block behind it is too small, the next ones are absorbed as well, until it fits; then it is
//! cut.
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, malloc, realloc, same_place, scenario};

scenario!(|| {
    let [block, next, third, fourth, _guard] = [500, 500, 500, 500, 100].map(malloc);
    let place = block.place();
    free_all([fourth, next, third]);
    let block = realloc(block, 1800);
    same_place(&block, place);
    let _rest = malloc(250);
});
