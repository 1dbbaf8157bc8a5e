//! R12 (c): a block that cannot grow where it is moves into a freed one that fits; its old place is free afterwards.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    size = 496 in 64..900;
    hole = 1504 in 1000..2000;
    guard = 96 in 16..400;
    fill = WHOLE - (hole + size + 2 * guard + 4 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { size, hole, guard, fill } = sizes();
    let [freed, _guard, block, _next, _fill] = [hole, guard, size, guard, fill].map(malloc);
    let (there, here) = (freed.place(), block.place());
    free(freed);
    // The scene is set.
    let block = realloc(block, hole - 8);
    same_place(&block, there);
    let again = malloc(size - 8);
    same_place(&again, here);
});
