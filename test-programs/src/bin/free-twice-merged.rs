//! R14: a freed block was merged away and now lies inside a used one: freeing it again is ignored, and the used one keeps its
//! contents.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free, free_ignored, malloc, same_place, scenario};

scenario!(|| {
    let [first, second, _guard] = [1000, 1000, 100].map(malloc);
    let places = [&first, &second].map(Block::place);
    free(first);
    free(second);
    let both = malloc(2000);
    same_place(&both, places[0]);
    free_ignored(places[1]);
    let _elsewhere = malloc(500);
});
