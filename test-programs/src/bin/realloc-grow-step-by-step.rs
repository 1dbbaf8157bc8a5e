//! R12 (b): a block that doubles again and again grows into the free rest of the heap, without a move or a system call.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    size = 16 in 16..64;
    half = WHOLE / 2;
    whole = LARGEST;
}

scenario!(|| {
    warm();
    let Sizes { size, half, whole } = sizes();
    let block = malloc(size);
    let place = block.place();
    // The scene is set.
    let block = [2 * size, 4 * size, 8 * size, 16 * size, 100 * size, half, whole].into_iter().fold(block, realloc);
    same_place(&block, place);
});
