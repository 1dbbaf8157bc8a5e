//! R12, R17: a block absorbs the free end of the heap, which does not suffice; wherever it comes to lie, it is in use as before.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, scenario, sizes, warm};

sizes! {
    first = 100_000 in 90_000..105_000;
    block = 16_000 in 12_000..18_000;
    larger = 60_000 in 50_000..70_000;
    small = 96 in 16..400;
}

scenario!(|| {
    warm();
    let Sizes { first, block, larger, small } = sizes();
    let [_first, last] = [first, block].map(malloc);
    // The scene is set.
    let _grown = realloc(last, larger);
    let _small = [small, block, small].map(malloc);
});
