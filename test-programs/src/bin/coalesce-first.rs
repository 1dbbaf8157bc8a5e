//! R5: the first block of the heap is merged with the one behind it, which was freed before it.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario, sizes, warm};

sizes! {
    a = 992 in 32..4000;
    b = 800 in 32..4000;
    guard = 96 in 16..400;
    both = a + HEADER + b;
    fill = WHOLE - (both + guard + 2 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { a, b, guard, both, fill } = sizes();
    let [first, second, _guard, _fill] = [a, b, guard, fill].map(malloc);
    let place = first.place();
    free(second);
    free(first);
    // The scene is set.
    let merged = malloc(both - 8);
    same_place(&merged, place);
});
