//! R6: `os_calloc` gives the whole of a reused block as well, unless at least a header and 8 bytes remain; the growth behind
//! it shows which.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free, malloc, scenario, sizes, warm};

sizes! {
    size = 992 in 400..3000;
    next = 16 in 16..400;
    header = HEADER;
    split = SPLIT;
    whole = LARGEST;
}

scenario!(|| {
    warm();
    let Sizes { size, next, header, split, whole } = sizes();
    let _full = malloc(whole);
    // The scene is set.
    let _blocks = [0, 8, header, split - 1, split].map(|less| {
        free(malloc(size));
        [calloc(1, size - less), malloc(next)]
    });
});
