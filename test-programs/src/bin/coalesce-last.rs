//! R5: blocks freed at the end are merged with the rest of the preallocation: what fits only into all of it needs no system
//! call.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario};

scenario!(|| {
    let [_first, second, third] = [100_000, 10_000, 10_000].map(malloc);
    let place = second.place();
    free(third);
    free(second);
    let block = malloc(30_000);
    same_place(&block, place);
});
