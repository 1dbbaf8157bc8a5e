//! R12, R9: a heap block resized to a mapped request moves to a mapping; its old place is free afterwards.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario};

scenario!(|| {
    let [block, _guard] = [1000, 100].map(malloc);
    let place = block.place();
    let _mapped = realloc(block, 200_000);
    let again = malloc(1000);
    same_place(&again, place);
});
