//! R13, R17: a mapping resized to a few bytes moves into a hole of that size; the blocks beside it keep their contents.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    large = 200_000 in 132_000..300_000;
    hole = 96 in 64..400;
    guard = 496 in 64..900;
    fill = WHOLE - (guard + hole + guard + 3 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { large, hole, guard, fill } = sizes();
    let [_before, freed, _behind, _fill] = [guard, hole, guard, fill].map(malloc);
    let place = freed.place();
    let mapped = malloc(large);
    free(freed);
    // The scene is set.
    let block = realloc(mapped, hole - 8);
    same_place(&block, place);
});
