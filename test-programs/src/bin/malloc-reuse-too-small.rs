//! R5: a free block that is 8 bytes too small is not used; it stays free for a request that fits.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario};

scenario!(|| {
    let [freed, _guard] = [1000, 100].map(malloc);
    let place = freed.place();
    free(freed);
    let _larger = malloc(1001);
    let fitting = malloc(1000);
    same_place(&fitting, place);
});
