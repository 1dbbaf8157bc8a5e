//! R17, R6: a freed block that was written to is cut for smaller requests; each of them is zeroed.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free, malloc, scenario, sizes, warm};

sizes! {
    part = 496 in 64..1500;
    rest = 400 in 64..1500;
    guard = 96 in 16..400;
    size = part + HEADER + rest;
    fill = WHOLE - (size + guard + 2 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { part, rest, guard, size, fill } = sizes();
    let [freed, _guard, _fill] = [size, guard, fill].map(malloc);
    free(freed);
    // The scene is set.
    let _first = calloc(part / 8, 8);
    let _second = calloc(1, rest - 8);
});
