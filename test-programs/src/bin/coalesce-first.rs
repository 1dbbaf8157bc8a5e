//! R5: the first block of the heap is merged with the one behind it, which was freed before it.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario};

scenario!(|| {
    let [first, second, _guard] = [1000, 1000, 100].map(malloc);
    let place = first.place();
    free(second);
    free(first);
    let both = malloc(2010);
    same_place(&both, place);
});
