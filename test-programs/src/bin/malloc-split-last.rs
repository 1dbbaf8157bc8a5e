//! R6, R7: the freed last block is cut until it is used up; only then the heap grows.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario};

scenario!(|| {
    let [_before, whole] = [100_000, 100_000].map(malloc);
    let place = whole.place();
    free(whole);
    let [first, _second, _third, _fourth] = [40_000, 30_000, 20_000, 9900].map(malloc);
    same_place(&first, place);
    let _grown = malloc(8);
});
