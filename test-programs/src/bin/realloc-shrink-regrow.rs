//! R11, R6, R12 (a): a block shrunk by too little to be split still has its old size: it regrows to that without a system call.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario};

scenario!(|| {
    let [_first, last] = [100_000, 100_000].map(malloc);
    let place = last.place();
    let last = [99_992, 100_000, 99_968, 100_000, 100_008].into_iter().fold(last, realloc);
    same_place(&last, place);
});
