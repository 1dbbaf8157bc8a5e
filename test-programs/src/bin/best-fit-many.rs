//! R5: of many free blocks the smallest that fits is taken, wherever it lies and whenever it was freed.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free_all, malloc, same_places, scenario, sizes, warm};

sizes! {
    a = 608 in 600..660;
    b = 304 in 300..340;
    c = 592 in 540..600;
    d = 208 in 190..250;
    guard = 96 in 16..180;
}

scenario!(|| {
    warm();
    let Sizes { a, b, c, d, guard } = sizes();
    let [a_block, _g1, b_block, _g2, c_block, _g3, d_block, _g4] = [a, guard, b, guard, c, guard, d, guard].map(malloc);
    let places = [&b_block, &c_block, &d_block, &a_block].map(Block::place);
    free_all([c_block, a_block, d_block, b_block]);
    // The scene is set.
    let fitting = [b - 8, c - 8, d - 8, a - 8].map(malloc);
    same_places(&fitting, places);
});
