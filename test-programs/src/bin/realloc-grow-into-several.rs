//! R12 (b): where the first free block behind it is too small, the next ones are absorbed as well, until it fits; then it is
//! cut.
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    size = 496 in 64..1000;
    rest = 240 in 64..300;
    guard = 96 in 16..400;
    target = 3 * size + 2 * HEADER + size - rest;
    fill = WHOLE - (4 * size + guard + 5 * HEADER + 320);
    where rest < size;
}

scenario!(|| {
    warm();
    let Sizes { size, rest, guard, target, fill } = sizes();
    let [block, next, third, fourth, _guard, _fill] = [size, size, size, size, guard, fill].map(malloc);
    let place = block.place();
    free_all([fourth, next, third]);
    // The scene is set.
    let block = realloc(block, target);
    same_place(&block, place);
    let _rest = malloc(rest - 8);
});
