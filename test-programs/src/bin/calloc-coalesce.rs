//! R5, R17: `os_calloc` takes merged blocks, and zeroes the places of the old headers too.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free_all, malloc, same_place, scenario, sizes, warm};

sizes! {
    size = 992 in 64..1000;
    guard = 96 in 16..400;
    all = 3 * size + 2 * HEADER;
    fill = WHOLE - (2 * guard + all + 3 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { size, guard, all, fill } = sizes();
    let [_before, first, second, third, _behind, _fill] = [guard, size, size, size, guard, fill].map(malloc);
    let place = first.place();
    free_all([second, third, first]);
    // The scene is set.
    let merged = calloc(1, all - 8);
    same_place(&merged, place);
});
