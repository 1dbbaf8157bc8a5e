//! R12 (a): the last heap block grows by moving the break by exactly what it lacks, and stays where it is.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario};

scenario!(|| {
    let [_first, last] = [100_000, 100_000].map(malloc);
    let place = last.place();
    let last = [110_000, 110_001, 120_000].into_iter().fold(last, realloc);
    same_place(&last, place);
});
