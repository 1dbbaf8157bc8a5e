//! R5, R17: `os_calloc` takes the smallest free block that fits, the lowest among equals.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, calloc, free_all, malloc, same_places, scenario};

scenario!(|| {
    let [a, _g1, b, _g2, c, _g3, d, _g4] = [600, 100, 304, 100, 400, 100, 304, 100].map(malloc);
    let places = [&b, &d, &c, &a].map(Block::place);
    free_all([d, a, c, b]);
    let fitting = [(29, 10), (37, 8), (39, 10), (1, 590)].map(|(nmemb, size)| calloc(nmemb, size));
    same_places(&fitting, places);
});
