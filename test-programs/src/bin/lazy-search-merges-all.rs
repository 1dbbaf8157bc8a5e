//! R5: a search merges over the whole heap, also behind the block it takes: a block that grows afterwards meets one free block
//! and cuts it.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free_all, malloc, realloc, same_places, scenario};

scenario!(|| {
    let [hole, _g1, block, next, third, _g2] = [8, 100, 504, 504, 504, 100].map(malloc);
    let places = [&hole, &block].map(Block::place);
    free_all([hole, third, next]);
    let small = malloc(8);
    let block = realloc(block, 1032);
    same_places(&[small, block], places);
    let _rest = malloc(512);
});
