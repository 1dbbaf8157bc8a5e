//! R6: one large free block is cut many times, each time from its front.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario, sizes, warm};

sizes! {
    part = 496 in 16..1000;
    guard = 96 in 16..400;
    size = 15 * part + 14 * HEADER;
    fill = WHOLE - (size + guard + 2 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { part, guard, size, fill } = sizes();
    let [whole, _guard, _fill] = [size, guard, fill].map(malloc);
    let place = whole.place();
    free(whole);
    // The scene is set.
    let blocks = [part - 8; 15].map(malloc);
    same_place(&blocks[0], place);
});
