//! R5: `os_calloc` takes the smallest free block that fits, the lowest among equals.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, calloc, free_all, malloc, same_places, scenario, sizes, warm};

sizes! {
    a = 608 in 600..660;
    b = 304 in 300..340;
    c = 400 in 350..500;
    guard = 96 in 16..280;
}

scenario!(|| {
    warm();
    let Sizes { a, b, c, guard } = sizes();
    let [a_block, _g1, b_block, _g2, c_block, _g3, d_block, _g4] = [a, guard, b, guard, c, guard, b, guard].map(malloc);
    let places = [&b_block, &d_block, &c_block, &a_block].map(Block::place);
    free_all([d_block, a_block, c_block, b_block]);
    // The scene is set.
    let fitting = [b - 8, b, c - 8, a - 8].map(|size| calloc(1, size));
    same_places(&fitting, places);
});
