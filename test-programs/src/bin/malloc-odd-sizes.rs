//! R6, R17: sizes are rounded up to a multiple of 8, so that every payload is aligned and lies right behind the one before it.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, scenario, sizes, warm};

sizes! {
    small = 16 in 16..64;
    a = 1 in 1..8;
    b = 9 in 9..16;
    c = 99 in 50..200;
    d = 1001 in 500..2000;
}

scenario!(|| {
    warm();
    let Sizes { small, a, b, c, d } = sizes();
    let _small = [small, small].map(malloc);
    // The scene is set.
    let _blocks = [a, b, c, d, a, d].map(malloc);
});
