//! R11, R12 (b): the rest of a shrunk block is not merged with the free one behind it before the next search: growing takes it
//! alone (O6).
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free, malloc, realloc, same_places, scenario};

scenario!(|| {
    let [block, next, _guard] = [1000, 504, 100].map(malloc);
    let places = [&block, &next].map(Block::place);
    free(next);
    let block = realloc(block, 504);
    let block = realloc(block, 992);
    let _larger = malloc(512);
    let again = malloc(504);
    same_places(&[block, again], places);
});
