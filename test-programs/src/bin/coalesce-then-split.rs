//! R5, R6: a block merged from two is cut like any other: from its front, the rest stays free.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario, sizes, warm};

sizes! {
    a = 992 in 400..4000;
    b = 800 in 400..4000;
    rest = 96 in 16..200;
    guard = 96 in 16..400;
    both = a + HEADER + b;
    front = both - HEADER - rest;
    fill = WHOLE - (2 * guard + both + 3 * HEADER + 320);
    where front > a;
    where front > b;
}

scenario!(|| {
    warm();
    let Sizes { a, b, rest, guard, front, fill, .. } = sizes();
    let [_before, first, second, _behind, _fill] = [guard, a, b, guard, fill].map(malloc);
    let place = first.place();
    free(second);
    free(first);
    // The scene is set.
    let cut = malloc(front);
    same_place(&cut, place);
    let _rest = malloc(rest - 8);
});
