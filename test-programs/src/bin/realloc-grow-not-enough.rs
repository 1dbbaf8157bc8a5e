//! R12 (c): where all free blocks behind it do not suffice, the block moves, and its old place is one free block together with
//! them.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free_all, malloc, realloc, same_places, scenario, sizes, warm};

sizes! {
    size = 496 in 64..1000;
    next = 800 in 64..1000;
    guard = 96 in 16..400;
    both = size + HEADER + next;
    larger = both + 208;
    fill = WHOLE - (both + guard + larger + guard + 4 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { size, next, guard, both, larger, fill } = sizes();
    let [block, next_block, _g1, target, _g2, _fill] = [size, next, guard, larger, guard, fill].map(malloc);
    let places = [&target, &block].map(Block::place);
    free_all([next_block, target]);
    // The scene is set.
    let block = realloc(block, larger - 8);
    let again = malloc(both - 8);
    same_places(&[block, again], places);
});
