//! R13: a mapping resized to a larger or a smaller mapped request always moves to a new mapping, even if it
//! needs as many pages; then the old one is unmapped.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, scenario};

scenario!(|| {
    let block = malloc(200_000);
    let block = [300_000, 299_500, 150_000, 150_100].into_iter().fold(block, realloc);
    free(block);
});
