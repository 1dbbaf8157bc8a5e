//! R13: a mapping resized to a heap request moves to the heap and is unmapped; the first time that brings the preallocation
//! (R4).
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario};

scenario!(|| {
    let _first = realloc(malloc(200_000), 1000);
    let [hole, _guard] = [5000, 100].map(malloc);
    let place = hole.place();
    free(hole);
    let second = realloc(malloc(200_000), 4000);
    same_place(&second, place);
});
