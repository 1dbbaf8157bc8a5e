//! R11, R6: a heap block that shrinks stays where it is; the rest of it is free for others (R5).
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, malloc, realloc, same_places, scenario};

scenario!(|| {
    let [first, middle, _guard] = [3000, 3000, 100].map(malloc);
    let places = [&first, &middle].map(Block::place);
    let shrunk = [realloc(first, 1000), realloc(middle, 500)];
    same_places(&shrunk, places);
    let _rests = [1900, 2400].map(malloc);
});
