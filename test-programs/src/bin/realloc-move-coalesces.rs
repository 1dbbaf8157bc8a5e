//! R12 (c), R5: a block that must move finds its new place among merged free blocks.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    a = 992 in 400..1000;
    b = 800 in 400..1000;
    size = 496 in 64..600;
    guard = 96 in 16..400;
    both = a + HEADER + b;
    fill = WHOLE - (both + guard + size + guard + 4 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { a, b, size, guard, both, fill } = sizes();
    let [first, second, _g1, block, _g2, _fill] = [a, b, guard, size, guard, fill].map(malloc);
    let place = first.place();
    free(second);
    free(first);
    // The scene is set.
    let block = realloc(block, both - 8);
    same_place(&block, place);
});
