//! R12 (a): the last heap block is extended even if a free block elsewhere would fit.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free, malloc, realloc, same_places, scenario};

scenario!(|| {
    let [hole, _guard, last] = [60_000, 60_000, 50_000].map(malloc);
    let places = [&hole, &last].map(Block::place);
    free(hole);
    let last = realloc(last, 55_000);
    let again = malloc(60_000);
    same_places(&[again, last], places);
});
