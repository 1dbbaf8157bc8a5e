//! R10, R5, R6: `os_realloc(NULL, n)` uses a freed block that fits, cuts it, and leaves one that is too small.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, realloc_null, same_place, scenario};

scenario!(|| {
    let [freed, _guard] = [1000, 100].map(realloc_null);
    let place = freed.place();
    free(freed);
    let _larger = realloc_null(1001);
    let same = realloc_null(1000);
    same_place(&same, place);
    free(same);
    let first = realloc_null(500);
    same_place(&first, place);
    let _second = realloc_null(400);
});
