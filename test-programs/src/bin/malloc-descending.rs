//! R3, R6, R9: an array of descending sizes, mapped ones first, then one behind the other on the heap.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, scenario, sizes, warm};

sizes! {
    small = 16 in 16..64;
    a = 16 in 16..64;
    b = 96 in 80..200;
    c = 992 in 400..2000;
    d = 4000 in 2000..9000;
    e = 60_000 in 20_000..80_000;
    f = 140_000 in 132_000..160_000;
    g = 300_000 in 160_000..400_000;
}

scenario!(|| {
    warm();
    let Sizes { small, a, b, c, d, e, f, g } = sizes();
    let _small = [small, small].map(malloc);
    // The scene is set.
    let _blocks = [g, f, e, d, c, b, a].map(malloc);
});
