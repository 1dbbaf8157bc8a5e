//! R7: nothing fits and the last heap block is free: the break moves by exactly the bytes it lacks, and it stays where it is.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario};

scenario!(|| {
    let [_first, last] = [100_000, 50_000].map(malloc);
    let place = last.place();
    free(last);
    let last = malloc(60_000);
    same_place(&last, place);
    free(last);
    let last = malloc(60_001);
    same_place(&last, place);
});
