//! R5, R7, R8: a thousand live blocks, then every other one freed, then the rest: all of the heap is one free block again.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, NULL, free_all, malloc, same_place, scenario};

scenario!(|| {
    let mut blocks: [_; 1000] = core::array::from_fn(|index| Some(malloc(100 + index % 64)));
    let place = blocks[0].as_ref().map_or(NULL, Block::place);
    for start in [1, 0] {
        free_all(blocks.iter_mut().skip(start).step_by(2).filter_map(Option::take));
    }
    let whole = malloc(131_000);
    same_place(&whole, place);
});
