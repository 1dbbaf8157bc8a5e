//! R5, R7: the free blocks at the end are merged before the search, so the break moves only by what all of them together lack.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario};

scenario!(|| {
    let [_first, second, third] = [100_000, 50_000, 50_000].map(malloc);
    let place = second.place();
    free(second);
    free(third);
    let block = malloc(110_000);
    same_place(&block, place);
});
