//! R6, R17: `os_calloc` rounds the product up to a multiple of 8, and all of its bytes are zero.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free, malloc, scenario, sizes, warm};

sizes! {
    a = 3 in 3..8;
    b = 5 in 3..12;
    c = 33 in 17..60;
    guard = 96 in 16..400;
    size = 2048 in 2000..3000;
    fill = WHOLE - (size + guard + 2 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { a, b, c, guard, size, fill } = sizes();
    let [freed, _guard, _fill] = [size, guard, fill].map(malloc);
    free(freed);
    // The scene is set.
    let _blocks = [(a, a), (b, a), (c, 1), (1, c), (a, c)].map(|(nmemb, size)| calloc(nmemb, size));
});
