//! R12 (a): the last heap block is extended even if a free block elsewhere would fit.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    hole = 70_000 in 68_000..75_000;
    guard = 96 in 16..400;
    size = WHOLE - (hole + guard + 2 * HEADER);
    more = 992 in 16..4000;
    where size + more < hole;
}

scenario!(|| {
    warm();
    let Sizes { hole, guard, size, more } = sizes();
    let [freed, _guard, block] = [hole, guard, size].map(malloc);
    let place = block.place();
    free(freed);
    // The scene is set.
    let block = realloc(block, size + more);
    same_place(&block, place);
});
