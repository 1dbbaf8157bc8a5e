//! R16: the program moves the break itself: the next growth starts a region of its own behind, which then grows as usual (R7).
#![cfg_attr(not(test), no_main)]

use test_programs::{foreign_break, free, malloc, same_place, scenario};

scenario!(|| {
    let _full = [100_000, 100_000].map(malloc);
    let _foreign = foreign_break(4096);
    let [first, last] = [1000, 5000].map(malloc);
    let place = first.place();
    free(first);
    free(last);
    let extended = malloc(10_000);
    same_place(&extended, place);
});
