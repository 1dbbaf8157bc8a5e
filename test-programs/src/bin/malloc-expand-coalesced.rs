//! R5, R7: the free blocks at the end are merged before the search, so the break moves only by what all of them together lack.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario, sizes, warm};

sizes! {
    first = 60_000 in 50_000..70_000;
    second = 30_000 in 20_000..40_000;
    more = 10_000 in 16..20_000;
    third = WHOLE - (first + second + 2 * HEADER);
    larger = second + HEADER + third + more;
}

scenario!(|| {
    warm();
    let Sizes { first, second, third, larger, .. } = sizes();
    let [_first, second_block, third_block] = [first, second, third].map(malloc);
    let place = second_block.place();
    free(second_block);
    free(third_block);
    // The scene is set.
    let block = malloc(larger);
    same_place(&block, place);
});
