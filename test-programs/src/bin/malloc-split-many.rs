//! R6: one large free block is cut many times, each time from its front.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario};

scenario!(|| {
    let [whole, _guard] = [10_000, 100].map(malloc);
    let place = whole.place();
    free(whole);
    let blocks = [500; 15].map(malloc);
    same_place(&blocks[0], place);
});
