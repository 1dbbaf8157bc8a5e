//! R13: a mapping resized to the aligned size it has stays where it is, without a system call (O5).
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, calloc, malloc, realloc, same_places, scenario};

scenario!(|| {
    let (large, small) = (malloc(200_000), calloc(1, 5000));
    let places = [&large, &small].map(Block::place);
    let large = [200_000, 199_993, 200_000].into_iter().fold(large, realloc);
    let small = realloc(small, 4998);
    same_places(&[large, small], places);
});
