//! R5: all blocks freed, in an odd order: merged with the rest of the preallocation they are one block, and the break stays.
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, malloc, same_place, scenario, sizes, warm};

sizes! {
    size = 992 in 16..4000;
    all = LARGEST;
}

scenario!(|| {
    warm();
    let Sizes { size, all } = sizes();
    let [a, b, c, d, e, f, g, h] = [size; 8].map(malloc);
    let place = a.place();
    free_all([d, a, f, h, b, g, c, e]);
    // The scene is set.
    let whole = malloc(all);
    same_place(&whole, place);
});
