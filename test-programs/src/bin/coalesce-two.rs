//! R5: two free neighbours are merged before the next search and hold a block that neither of them could.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario, sizes, warm};

sizes! {
    a = 992 in 32..4000;
    b = 800 in 32..4000;
    guard = 96 in 16..400;
    both = a + HEADER + b;
    fill = WHOLE - (2 * guard + both + 3 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { a, b, guard, both, fill } = sizes();
    let [_before, first, second, _behind, _fill] = [guard, a, b, guard, fill].map(malloc);
    let place = first.place();
    free(first);
    free(second);
    // The scene is set.
    let merged = malloc(both - 8);
    same_place(&merged, place);
});
