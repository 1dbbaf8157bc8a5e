//! R12 (c), R7: a block that must move goes into the free last block, extended by exactly the bytes it lacks.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario};

scenario!(|| {
    let [block, _guard] = [50_000, 50_000].map(malloc);
    let place = block.place();
    let _block = realloc(block, 60_000);
    let again = malloc(50_000);
    same_place(&again, place);
});
