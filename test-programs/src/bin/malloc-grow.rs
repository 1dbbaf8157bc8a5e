//! R7: nothing fits and the last heap block is in use: the break moves by exactly the new block with its header, once per
//! request.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, scenario, sizes, warm};

sizes! {
    a = 608 in 16..2000;
    b = 4992 in 16..9000;
    c = 20_000 in 16..30_000;
    whole = LARGEST;
}

scenario!(|| {
    warm();
    let Sizes { a, b, c, whole } = sizes();
    let _all = malloc(whole);
    // The scene is set.
    let _blocks = [a, b, c].map(malloc);
});
