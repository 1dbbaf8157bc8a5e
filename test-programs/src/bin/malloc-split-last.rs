//! R6: the free end of the heap is cut until it is used up, without a move of the break.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, scenario, sizes, warm};

sizes! {
    small = 16 in 16..64;
    a = 30_000 in 16..40_000;
    b = 20_000 in 16..40_000;
    c = 10_000 in 16..40_000;
    d = WHOLE - (2 * small + a + b + c + 5 * HEADER);
}

scenario!(|| {
    warm();
    let Sizes { small, a, b, c, d } = sizes();
    let _small = [small, small].map(malloc);
    // The scene is set.
    let _blocks = [a, b, c, d - 8].map(malloc);
});
