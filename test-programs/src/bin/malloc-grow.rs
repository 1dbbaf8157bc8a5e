//! R7: nothing fits and the last heap block is in use: the break moves by exactly the new block with its header, once per
//! request.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario};

scenario!(|| {
    let [_first, hole, _last] = [100_000, 500, 100_000].map(malloc);
    let place = hole.place();
    free(hole);
    // The hole is too small for these.
    let _blocks = [600, 5000, 20_001].map(malloc);
    let fitting = malloc(500);
    same_place(&fitting, place);
});
