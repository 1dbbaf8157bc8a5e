//! R11, R7: the last heap block shrinks without a system call; its rest is the free last block, extended by what a later
//! request lacks.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario};

scenario!(|| {
    let [_first, last] = [100_000, 100_000].map(malloc);
    let place = last.place();
    let last = realloc(last, 40_000);
    same_place(&last, place);
    let _behind = malloc(70_000);
});
