//! R16, R12: the last block before the program's own bytes neither grows in place nor across them: it moves, and grows in place
//! there.
#![cfg_attr(not(test), no_main)]

use test_programs::{foreign_break, malloc, realloc, same_place, scenario};

scenario!(|| {
    let [_first, last] = [100_000, 50_000].map(malloc);
    let _foreign = foreign_break(4096);
    let block = realloc(last, 60_000);
    let place = block.place();
    let block = realloc(block, 70_000);
    same_place(&block, place);
});
