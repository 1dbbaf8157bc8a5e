//! R5, R6: a freed block is used again for a smaller request and cut: what remains of it serves the next one.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario, sizes, warm};

sizes! {
    part = 496 in 32..2000;
    rest = 400 in 32..2000;
    guard = 96 in 16..400;
    size = part + HEADER + rest;
    fill = WHOLE - (size + guard + 2 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { part, rest, guard, size, fill } = sizes();
    let [freed, _guard, _fill] = [size, guard, fill].map(malloc);
    let place = freed.place();
    free(freed);
    // The scene is set.
    let first = malloc(part);
    same_place(&first, place);
    let _second = malloc(rest - 8);
});
