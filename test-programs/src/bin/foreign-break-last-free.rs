//! R16, R7: the free last block before the program's own bytes is not extended across them; it stays free for what fits.
#![cfg_attr(not(test), no_main)]

use test_programs::{foreign_break, free, malloc, same_place, scenario};

scenario!(|| {
    let [_first, last] = [100_000, 50_000].map(malloc);
    let place = last.place();
    free(last);
    let _foreign = foreign_break(4096);
    let _behind = malloc(60_000);
    let fitting = malloc(50_000);
    same_place(&fitting, place);
});
