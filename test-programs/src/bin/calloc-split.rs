//! R5, R6, R17: `os_calloc` cuts the first, a middle and the last block of the heap, all written to before; every part is
//! zeroed.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, calloc, free_all, malloc, same_places, scenario};

scenario!(|| {
    let [first, _g1, middle, _g2, last] = [3000, 100, 2000, 100_000, 100_000].map(malloc);
    let places = [&middle, &first, &last].map(Block::place);
    free_all([first, middle, last]);
    let cut = [1500, 2500, 4000].map(|size| calloc(1, size));
    same_places(&cut, places);
    let _rest = calloc(1, 400);
});
