//! R12 (b): a block grows into the free one behind it even if a free block elsewhere would fit better.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free, malloc, realloc, same_places, scenario};

scenario!(|| {
    let [hole, _g1, block, next, _g2] = [1000, 100, 500, 1000, 100].map(malloc);
    let places = [&hole, &block].map(Block::place);
    free(hole);
    free(next);
    let block = realloc(block, 1000);
    let again = malloc(1000);
    same_places(&[again, block], places);
});
