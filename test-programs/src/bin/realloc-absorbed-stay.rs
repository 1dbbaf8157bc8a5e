//! R12 (b), (c): what a block has absorbed is its own, though it does not suffice: the block is the last one then, and neither it nor
//! the heap's end is free for the search that follows.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, scenario, sizes, warm};

sizes! {
    size = 208 in 64..1000;
    last = 496 in 64..1000;
    larger = size + HEADER + last + 304;
    fill = WHOLE - 16;
}

scenario!(|| {
    warm();
    let Sizes { size, last, larger, fill } = sizes();
    let [_fill, block, behind] = [fill, size, last].map(malloc);
    free(behind);
    // The scene is set.
    let _block = realloc(block, larger);
    let _again = malloc(size + last);
});
