//! R10, R5: `os_realloc(NULL, n)` uses a freed block that fits.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc_null, same_place, scenario, sizes, warm};

sizes! {
    size = 992 in 32..4000;
    guard = 96 in 16..400;
    fill = WHOLE - (size + guard + 2 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { size, guard, fill } = sizes();
    let [freed, _guard, _fill] = [size, guard, fill].map(malloc);
    let place = freed.place();
    free(freed);
    // The scene is set.
    let same = realloc_null(size - 8);
    same_place(&same, place);
});
