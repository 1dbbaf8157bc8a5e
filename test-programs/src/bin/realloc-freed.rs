//! R10: `os_realloc` of a freed block gives NULL and changes nothing: the block stays free and is used again (R5).
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc_gives_null, same_place, scenario};

scenario!(|| {
    let [freed, _guard] = [1000, 100].map(malloc);
    let place = freed.place();
    free(freed);
    realloc_gives_null(place, 500);
    realloc_gives_null(place, 2000);
    let again = malloc(1000);
    same_place(&again, place);
});
