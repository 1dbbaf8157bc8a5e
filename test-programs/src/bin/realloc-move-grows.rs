//! R12 (c), R7: nothing fits and the heap ends with a used block: a new block is added behind it, and the old one is free
//! afterwards.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    size = 60_000 in 50_000..61_000;
    last = WHOLE - (size + HEADER);
    larger = 75_000 in 70_000..90_000;
}

scenario!(|| {
    warm();
    let Sizes { size, last, larger } = sizes();
    let [block, _last] = [size, last].map(malloc);
    let place = block.place();
    // The scene is set.
    let _block = realloc(block, larger);
    let again = malloc(size - 8);
    same_place(&again, place);
});
