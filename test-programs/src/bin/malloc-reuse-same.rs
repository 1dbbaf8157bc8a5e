//! R5: a freed block is used again for a request of its size, counted in aligned bytes.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario, sizes, warm};

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
    // The scene is set.
    free(freed);
    let same = malloc(size);
    same_place(&same, place);
    free(same);
    // The same once aligned.
    let aligned = malloc(size - 7);
    same_place(&aligned, place);
});
