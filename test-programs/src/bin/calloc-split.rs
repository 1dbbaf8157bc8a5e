//! R6, R17: `os_calloc` cuts a free block at the beginning and one in the middle of the heap; every part is zeroed.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free_all, malloc, scenario, sizes, warm};

sizes! {
    first = 1504 in 600..1600;
    second = 800 in 400..1000;
    rest = 208 in 64..300;
    guard = 96 in 16..400;
    whole_first = first + HEADER + rest;
    whole_second = second + HEADER + rest;
}

scenario!(|| {
    warm();
    let Sizes { first, second, rest, guard, whole_first, whole_second } = sizes();
    let [a, _g1, b, _g2] = [whole_first, guard, whole_second, guard].map(malloc);
    free_all([a, b]);
    // The scene is set.
    let _cut = [second, first, rest - 8, rest - 8].map(|size| calloc(1, size));
});
