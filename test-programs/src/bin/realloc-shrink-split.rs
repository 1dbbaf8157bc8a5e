//! R11: a heap block that shrinks stays where it is; the rest of it is free for others.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    part = 992 in 16..2000;
    rest = 1904 in 200..3000;
    guard = 96 in 16..400;
    size = part + HEADER + rest;
    fill = WHOLE - (size + guard + 2 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { part, rest, guard, size, fill } = sizes();
    let [block, _guard, _fill] = [size, guard, fill].map(malloc);
    let place = block.place();
    // The scene is set.
    let block = realloc(block, part);
    same_place(&block, place);
    let _rest = malloc(rest - 8);
});
