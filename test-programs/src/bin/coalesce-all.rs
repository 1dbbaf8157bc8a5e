//! R5: all blocks freed, in an odd order: merged with the rest of the preallocation they are one block, and the break stays.
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, malloc, same_place, scenario};

scenario!(|| {
    let [a, b, c, d, e, f, g, h] = [1000; 8].map(malloc);
    let place = a.place();
    free_all([d, a, f, h, b, g, c, e]);
    let whole = malloc(130_000);
    same_place(&whole, place);
});
