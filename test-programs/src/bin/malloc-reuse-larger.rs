//! R5, R6: a freed block is used again for smaller requests and cut: what remains of it serves the next one.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario};

scenario!(|| {
    let [freed, _guard] = [1000, 100].map(malloc);
    let place = freed.place();
    free(freed);
    let first = malloc(500);
    same_place(&first, place);
    let _second = malloc(400);
});
