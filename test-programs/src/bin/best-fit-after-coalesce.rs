//! R5: merging comes before the search: two merged blocks are larger than a third one further on, which fits better.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free_all, malloc, same_places, scenario};

scenario!(|| {
    let [a, b, _g1, c, _g2] = [500, 500, 100, 1000, 100].map(malloc);
    let places = [&c, &a].map(Block::place);
    free_all([a, b, c]);
    let fitting = [990, 1000].map(malloc);
    same_places(&fitting, places);
});
