//! R11: a heap block resized to the size it has, counted in aligned bytes, stays where it is without a system call.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    size = 992 in 32..4000;
    guard = 96 in 16..400;
}

scenario!(|| {
    warm();
    let Sizes { size, guard } = sizes();
    let [block, _guard] = [size, guard].map(malloc);
    let place = block.place();
    // The scene is set.
    let block = [size, size - 7, size].into_iter().fold(block, realloc);
    same_place(&block, place);
});
