//! R5: `os_calloc` does not use a free block that is too small for `nmemb * size`; it stays free for one that fits.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free, malloc, same_place, scenario};

scenario!(|| {
    let [freed, _guard] = [1000, 100].map(malloc);
    let place = freed.place();
    free(freed);
    let _larger = calloc(1001, 1);
    let fitting = calloc(125, 8);
    same_place(&fitting, place);
});
