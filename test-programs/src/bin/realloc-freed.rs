//! R10: `os_realloc` of the block just freed gives NULL and changes nothing: the block stays free and is used again.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc_gives_null, same_place, scenario, sizes, warm};

sizes! {
    size = 992 in 64..4000;
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
    realloc_gives_null(place, size / 2);
    let again = malloc(size - 8);
    same_place(&again, place);
});
