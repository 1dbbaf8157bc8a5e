//! R6: the first block of the heap, freed, is cut from its front for smaller requests, one behind the other.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario};

scenario!(|| {
    let [whole, _guard] = [3000, 100].map(malloc);
    let place = whole.place();
    free(whole);
    let [first, _second, _third] = [1000, 800, 400].map(malloc);
    same_place(&first, place);
});
