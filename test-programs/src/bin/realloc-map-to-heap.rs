//! R13: a mapping resized to a heap request moves to the heap and is unmapped.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, scenario, sizes, warm};

sizes! {
    large = 200_000 in 132_000..300_000;
    hole = 4000 in 3000..5000;
    guard = 96 in 16..400;
    fill = WHOLE - (hole + guard + 2 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { large, hole, guard, fill } = sizes();
    let [freed, _guard, _fill] = [hole, guard, fill].map(malloc);
    let mapped = malloc(large);
    free(freed);
    // The scene is set.
    let _block = realloc(mapped, hole - 8);
});
