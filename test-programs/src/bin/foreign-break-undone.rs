//! R16: the program moved the break up and back down: nothing stands behind the heap, and it grows as if nothing had been.
#![cfg_attr(not(test), no_main)]

use test_programs::{foreign_break, malloc, realloc, same_place, scenario};

scenario!(|| {
    let [_first, last] = [100_000, 50_000].map(malloc);
    let place = last.place();
    foreign_break(4096).undo();
    let last = realloc(last, 60_000);
    same_place(&last, place);
    let _next = malloc(1000);
});
