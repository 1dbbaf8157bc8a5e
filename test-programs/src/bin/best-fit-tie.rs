//! R5: among free blocks of the same size the one at the lowest address is taken, whichever was freed first.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free_all, malloc, same_places, scenario, sizes, warm};

sizes! {
    size = 400 in 16..4000;
    guard = 96 in 16..400;
}

scenario!(|| {
    warm();
    let Sizes { size, guard } = sizes();
    let [a, _g1, b, _g2, c, _g3] = [size, guard, size, guard, size, guard].map(malloc);
    let places = [&a, &b, &c].map(Block::place);
    free_all([c, a, b]);
    // The scene is set.
    let again = [size; 3].map(malloc);
    same_places(&again, places);
});
