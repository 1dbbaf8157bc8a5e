//! R5: three free neighbours, the middle one freed last, are merged into one.
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, malloc, same_place, scenario, sizes, warm};

sizes! {
    a = 992 in 32..4000;
    b = 800 in 32..4000;
    c = 400 in 32..4000;
    guard = 96 in 16..400;
    all = a + b + c + 2 * HEADER;
    fill = WHOLE - (2 * guard + all + 3 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { a, b, c, guard, all, fill } = sizes();
    let [_before, first, second, third, _behind, _fill] = [guard, a, b, c, guard, fill].map(malloc);
    let place = first.place();
    free_all([first, third, second]);
    // The scene is set.
    let merged = malloc(all - 8);
    same_place(&merged, place);
});
