//! R5, R6, R17: `os_calloc` takes merged blocks, cuts them, and zeroes the places of the old headers too.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free_all, malloc, same_place, scenario};

scenario!(|| {
    let [_before, first, second, third, _behind] = [100, 1000, 1000, 1000, 100].map(malloc);
    let place = first.place();
    free_all([second, third, first]);
    let front = calloc(20, 100);
    same_place(&front, place);
    let _rest = calloc(1000, 1);
});
