//! R12: a heap block resized to a mapped request moves to a mapping; its old place is free afterwards.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    size = 992 in 64..4000;
    guard = 96 in 16..400;
    fill = WHOLE - (size + guard + 2 * HEADER + 320);
    large = 200_000 in 132_000..300_000;
}

scenario!(|| {
    warm();
    let Sizes { size, guard, fill, large } = sizes();
    let [block, _guard, _fill] = [size, guard, fill].map(malloc);
    let place = block.place();
    // The scene is set.
    let _mapped = realloc(block, large);
    let again = malloc(size - 8);
    same_place(&again, place);
});
