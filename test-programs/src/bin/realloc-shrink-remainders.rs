//! R11, R6: a block shrunk by less than a header and 8 bytes keeps all it has; from there on the rest becomes free. The growth
//! behind it shows which.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario, sizes, warm};

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
    let _blocks = [0, 8, header, split - 1, split].map(|less| {
        let block = malloc(size);
        let place = block.place();
        let part = realloc(block, size - less);
        same_place(&part, place);
        [part, malloc(next)]
    });
});
