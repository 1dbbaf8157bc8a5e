//! R5: among free blocks of the same size the one at the lowest address is taken, whichever was freed first.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free_all, malloc, same_places, scenario};

scenario!(|| {
    let [a, _g1, b, _g2, c, _g3] = [400, 100, 400, 100, 400, 100].map(malloc);
    let places = [&a, &b, &c].map(Block::place);
    free_all([c, a, b]);
    let again = [400; 3].map(malloc);
    same_places(&again, places);
});
