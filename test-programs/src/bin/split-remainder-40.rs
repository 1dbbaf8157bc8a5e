//! R6: a header and 8 bytes are enough: they become a free block, which serves the next request.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario, sizes, warm};

sizes! {
    size = 992 in 400..4000;
    split = SPLIT;
    fill = WHOLE - (size + HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { size, split, fill } = sizes();
    let [freed, _fill] = [size, fill].map(malloc);
    let place = freed.place();
    free(freed);
    // The scene is set.
    let block = malloc(size - split);
    same_place(&block, place);
    let _rest = malloc(8);
});
