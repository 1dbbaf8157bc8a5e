//! R12 (c), R5: a free block in front of it does not help a block to grow: it moves away, and only then is its old place free.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario};

scenario!(|| {
    let [hole, block, _guard] = [1000, 1000, 100].map(malloc);
    let place = hole.place();
    free(hole);
    let _block = realloc(block, 1500);
    let both = malloc(2000);
    same_place(&both, place);
});
