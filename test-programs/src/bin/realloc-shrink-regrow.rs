//! R11, R12: a block shrunk step by step grows again into what it gave up, without a system call.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    size = 3008 in 2000..4000;
    half = 1504 in 800..1900;
    guard = 96 in 16..400;
    fill = WHOLE - (size + guard + 2 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { size, half, guard, fill } = sizes();
    let [block, _guard, _fill] = [size, guard, fill].map(malloc);
    let place = block.place();
    // The scene is set.
    let block = [half, size].into_iter().fold(block, realloc);
    same_place(&block, place);
});
