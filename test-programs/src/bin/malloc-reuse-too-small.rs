//! R5: a free block that is 16 bytes too small is not used; it stays free for a request that fits.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free_all, malloc, same_places, scenario, sizes, warm};

sizes! {
    size = 992 in 32..4000;
    guard = 96 in 16..400;
    larger = size + 16;
    fill = WHOLE - (size + guard + larger + guard + 4 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { size, guard, larger, fill } = sizes();
    let [small_block, _g1, large_block, _g2, _fill] = [size, guard, larger, guard, fill].map(malloc);
    let places = [&large_block, &small_block].map(Block::place);
    free_all([small_block, large_block]);
    // The scene is set.
    let fitting = [larger - 8, size - 8].map(malloc);
    same_places(&fitting, places);
});
