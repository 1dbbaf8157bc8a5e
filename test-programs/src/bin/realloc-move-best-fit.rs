//! R12 (c), R5: a block that must move takes the smallest free one that fits.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    large = 3008 in 2600..4000;
    fitting = 1600 in 1400..2000;
    size = 496 in 64..900;
    guard = 96 in 16..400;
}

scenario!(|| {
    warm();
    let Sizes { large, fitting, size, guard } = sizes();
    let [large_block, _g1, fitting_block, _g2, block, _g3] = [large, guard, fitting, guard, size, guard].map(malloc);
    let place = fitting_block.place();
    free(large_block);
    free(fitting_block);
    // The scene is set.
    let block = realloc(block, fitting - 8);
    same_place(&block, place);
});
