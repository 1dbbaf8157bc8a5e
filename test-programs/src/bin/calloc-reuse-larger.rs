//! R5, R6, R17: a freed block that was written to is cut for smaller requests; each of them is zeroed.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free, malloc, same_place, scenario};

scenario!(|| {
    let [freed, _guard] = [3000, 100].map(malloc);
    let place = freed.place();
    free(freed);
    let first = calloc(15, 100);
    same_place(&first, place);
    let _second = calloc(100, 13);
});
