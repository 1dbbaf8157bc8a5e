//! R5: merging comes before the search: two merged blocks are larger than a third one further on, which fits better.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free_all, malloc, same_places, scenario, sizes, warm};

sizes! {
    half = 496 in 400..1000;
    guard = 96 in 16..300;
    single = 2 * half;
}

scenario!(|| {
    warm();
    let Sizes { half, guard, single } = sizes();
    let [a, b, _g1, c, _g2] = [half, half, guard, single, guard].map(malloc);
    let places = [&c, &a].map(Block::place);
    free_all([a, b, c]);
    // The scene is set.
    let fitting = [single - 8, single].map(malloc);
    same_places(&fitting, places);
});
