//! R5: `os_calloc` does not use a free block that is too small for `nmemb * size`; it stays free for one that fits.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, calloc, free_all, malloc, same_places, scenario, sizes, warm};

sizes! {
    size = 992 in 64..3000;
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
    let fitting = [larger, size].map(|size| calloc(size / 8 - 1, 8));
    same_places(&fitting, places);
});
