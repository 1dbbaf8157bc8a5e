//! R6: where less than a header and 8 bytes would remain, the whole block is given: nothing free is left at the end of the
//! heap, which the next growth shows.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, scenario, sizes, warm};

sizes! {
    size = 992 in 400..4000;
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
    let _blocks = [0, 8, header - 8, header, split - 1].map(|less| {
        free(malloc(size));
        [malloc(size - less), malloc(next)]
    });
});
