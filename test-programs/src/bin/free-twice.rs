//! R14: a block freed a second and a third time stays one free block: two requests for its size never get the same place.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, free_ignored, malloc, same_place, scenario};

scenario!(|| {
    let [freed, _guard] = [1000, 100].map(malloc);
    let place = freed.place();
    free(freed);
    free_ignored(place);
    free_ignored(place);
    let [first, _second] = [1000, 1000].map(malloc);
    same_place(&first, place);
});
