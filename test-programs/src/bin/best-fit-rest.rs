//! R5: the free rest at the end of the heap is a block like any other: the better fit wins over the first one.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario, sizes, warm};

sizes! {
    hole = 50_000 in 40_000..52_000;
    guard = 60_000 in 54_000..66_000;
    small = 5000 in 16..9000;
    rest = WHOLE - (hole + guard + 2 * HEADER);
    where small + 16 < rest;
    where rest < hole;
}

scenario!(|| {
    warm();
    let Sizes { hole, guard, small, rest } = sizes();
    let [freed, _guard] = [hole, guard].map(malloc);
    let place = freed.place();
    free(freed);
    // The scene is set.
    let _rest = malloc(small);
    let fitting = malloc(rest - 8);
    same_place(&fitting, place);
});
