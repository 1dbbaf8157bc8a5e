//! R12 (b): of two free blocks not yet merged, a growing block absorbs the first alone when that suffices, whole if too little
//! remains (O6).
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free, malloc, realloc, same_places, scenario};

scenario!(|| {
    let [block, next, third, _guard] = [504, 504, 504, 100].map(malloc);
    let places = [&block, &third].map(Block::place);
    free(third);
    free(next);
    let block = realloc(block, 1032);
    let again = malloc(504);
    same_places(&[block, again], places);
});
