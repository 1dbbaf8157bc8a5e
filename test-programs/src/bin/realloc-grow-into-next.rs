//! R12 (b), R6: a block grows into the free one behind it, cuts it, and leaves the rest free.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    size = 496 in 32..2000;
    more = 496 in 32..1000;
    rest = 400 in 64..1000;
    guard = 96 in 16..400;
    next = more + rest;
    fill = WHOLE - (size + next + guard + 3 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { size, more, rest, guard, next, fill } = sizes();
    let [block, next_block, _guard, _fill] = [size, next, guard, fill].map(malloc);
    let place = block.place();
    free(next_block);
    // The scene is set.
    let block = realloc(block, size + more);
    same_place(&block, place);
    let _rest = malloc(rest - 8);
});
