//! R17, R5: a freed block is used again for an `os_calloc` of its size, and zeroed although it was written to.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free, malloc, same_place, scenario, sizes, warm};

sizes! {
    size = 992 in 64..3000;
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
    let same = calloc(size / 8 - 1, 8);
    same_place(&same, place);
});
