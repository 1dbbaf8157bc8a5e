//! R5: requests that search nothing, mapped ones and resizing in place, merge nothing: growing still takes the first free block
//! alone.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free, malloc, realloc, same_places, scenario};

scenario!(|| {
    let [other, block, next, third, _guard] = [1000, 504, 504, 504, 100].map(malloc);
    let places = [&block, &third].map(Block::place);
    free(third);
    free(next);
    let _mapped = malloc(200_000);
    let _other = realloc(other, 500);
    let block = realloc(block, 1032);
    let again = malloc(504);
    same_places(&[block, again], places);
});
