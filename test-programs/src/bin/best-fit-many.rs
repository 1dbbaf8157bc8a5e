//! R5: of many free blocks the smallest that fits is taken, wherever it lies and whenever it was freed.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free_all, malloc, same_places, scenario};

scenario!(|| {
    let [a, _g1, b, _g2, c, _g3, d, _g4] = [600, 100, 304, 100, 592, 100, 200, 100].map(malloc);
    let places = [&b, &c, &d, &a].map(Block::place);
    free_all([c, a, d, b]);
    let fitting = [290, 590, 190, 600].map(malloc);
    same_places(&fitting, places);
});
