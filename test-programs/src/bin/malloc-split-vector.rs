//! R5, R6: several free blocks are each cut for a request of their own; then their equal rests are used from the lowest address
//! on.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free_all, malloc, same_places, scenario};

scenario!(|| {
    let [small, _g1, medium, _g2, large, _g3] = [2000, 100, 3000, 100, 4000, 100].map(malloc);
    let places = [&small, &medium, &large].map(Block::place);
    free_all([large, small, medium]);
    let cut = [1500, 2500, 3500].map(malloc);
    same_places(&cut, places);
    let _rests = [460, 460, 460].map(malloc);
});
