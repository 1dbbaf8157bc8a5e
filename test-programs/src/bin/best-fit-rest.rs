//! R5: the free rest at the end of the heap is a block like any other: the better fit wins over the first one.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario};

scenario!(|| {
    let [hole, _guard] = [50_000, 70_000].map(malloc);
    let place = hole.place();
    free(hole);
    let _rest = malloc(10_000);
    let fitting = malloc(40_000);
    same_place(&fitting, place);
});
