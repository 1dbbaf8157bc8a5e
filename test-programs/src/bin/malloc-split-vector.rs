//! R6, R5: several free blocks are each cut for a request of their own, and every rest serves one that fits it.
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, malloc, scenario, sizes, warm};

sizes! {
    small = 496 in 32..600;
    medium = 1600 in 1000..2000;
    large = 3200 in 2600..4000;
    rest = 240 in 128..400;
    guard = 96 in 16..400;
    whole_small = small + HEADER + rest;
    whole_medium = medium + HEADER + rest + 16;
    whole_large = large + HEADER + rest + 32;
}

scenario!(|| {
    warm();
    let Sizes { small, medium, large, rest, guard, whole_small, whole_medium, whole_large } = sizes();
    let [a, _g1, b, _g2, c, _g3] = [whole_small, guard, whole_medium, guard, whole_large, guard].map(malloc);
    free_all([c, a, b]);
    // The scene is set.
    let _parts = [small, medium, large].map(malloc);
    let _rests = [rest - 8, rest + 8, rest + 24].map(malloc);
});
