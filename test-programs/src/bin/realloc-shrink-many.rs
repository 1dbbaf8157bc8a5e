//! R11, R5: a block that shrinks step by step leaves a rest each time; merged, they hold a block of nearly all it gave up.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    step = 992 in 200..1000;
    guard = 96 in 16..400;
    size = 10 * step;
    fill = WHOLE - (size + guard + 2 * HEADER + 320);
    rests = 8 * step - HEADER;
}

scenario!(|| {
    warm();
    let Sizes { step, guard, size, fill, rests } = sizes();
    let [block, _guard, _fill] = [size, guard, fill].map(malloc);
    let place = block.place();
    // The scene is set.
    let block = (2..10).rev().map(|steps| steps * step).fold(block, realloc);
    same_place(&block, place);
    let _rests = malloc(rests - 8);
});
