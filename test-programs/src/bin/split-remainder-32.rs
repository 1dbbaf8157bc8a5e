//! R6: where only 32 bytes would remain, the whole block is given: nothing free is left at the end of the heap, which the next
//! growth (R7) shows.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario};

scenario!(|| {
    let [_first, last] = [100_000, 100_000].map(malloc);
    let place = last.place();
    free(last);
    let block = malloc(100_000 - 32);
    same_place(&block, place);
    let _next = malloc(1000);
});
