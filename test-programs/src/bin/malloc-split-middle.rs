//! R6: a freed block in the middle of the heap is cut from its front for smaller requests, one behind the other.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario, sizes, warm};

sizes! {
    a = 992 in 16..3000;
    b = 800 in 16..3000;
    c = 400 in 16..3000;
    guard = 96 in 16..400;
    size = a + b + c + 2 * HEADER;
    fill = WHOLE - (guard + size + guard + 3 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { a, b, c, guard, size, fill } = sizes();
    let [_before, whole, _behind, _fill] = [guard, size, guard, fill].map(malloc);
    let place = whole.place();
    free(whole);
    // The scene is set.
    let [first, _second, _third] = [a, b, c - 8].map(malloc);
    same_place(&first, place);
});
