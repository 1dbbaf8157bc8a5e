//! R12 (b): a block grows into the free one behind it even if a free block elsewhere would fit better.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    size = 496 in 64..900;
    next = 1200 in 1000..2000;
    guard = 96 in 16..400;
    target = 992 in 960..1000;
}

scenario!(|| {
    warm();
    let Sizes { size, next, guard, target } = sizes();
    let [hole, _g1, block, next_block, _g2] = [target, guard, size, next, guard].map(malloc);
    let place = block.place();
    free(hole);
    free(next_block);
    // The scene is set.
    let block = realloc(block, target);
    same_place(&block, place);
});
