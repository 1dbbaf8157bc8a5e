//! R12 (c), R5: a block that must move takes the smallest free one that fits.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario};

scenario!(|| {
    let [large, _g1, fitting, _g2, block, _g3] = [3000, 100, 1600, 100, 500, 100].map(malloc);
    let place = fitting.place();
    free(large);
    free(fitting);
    let block = realloc(block, 1500);
    same_place(&block, place);
});
