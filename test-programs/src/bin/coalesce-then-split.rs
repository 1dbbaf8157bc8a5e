//! R5, R6: a block merged from two is cut like any other: from its front, the rest stays free.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario};

scenario!(|| {
    let [_before, first, second, _behind] = [100, 1000, 1000, 100].map(malloc);
    let place = first.place();
    free(second);
    free(first);
    let front = malloc(1500);
    same_place(&front, place);
    let _rest = malloc(480);
});
