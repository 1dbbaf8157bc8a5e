//! R6: 40 bytes are a header and the smallest payload: they become a free block, which the next growth (R7) extends.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario};

scenario!(|| {
    let [_first, last] = [100_000, 100_000].map(malloc);
    let place = last.place();
    free(last);
    let block = malloc(100_000 - 40);
    same_place(&block, place);
    let _next = malloc(1000);
});
