//! R16, R5: free blocks on both sides of the program's own bytes are never merged; the last one is extended instead.
#![cfg_attr(not(test), no_main)]

use test_programs::{foreign_break, free, malloc, same_place, scenario};

scenario!(|| {
    let [_first, before] = [100_000, 50_000].map(malloc);
    let _foreign = foreign_break(4096);
    let behind = malloc(50_000);
    let place = behind.place();
    free(before);
    free(behind);
    let block = malloc(90_000);
    same_place(&block, place);
});
