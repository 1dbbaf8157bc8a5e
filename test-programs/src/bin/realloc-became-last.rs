//! R12 (b), (c): a block that would become the last one by absorbing, and is still too small, moves into a free block that
//! fits.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free, malloc, realloc, same_places, scenario};

scenario!(|| {
    let [hole, _guard, block, last] = [110_000, 100, 10_000, 20_000].map(malloc);
    let places = [&hole, &block].map(Block::place);
    free(hole);
    free(last);
    let block = realloc(block, 50_000);
    let again = malloc(30_000);
    same_places(&[block, again], places);
});
