//! R10: `os_realloc(NULL, n)` is `os_malloc(n)` for ascending, descending and mixed sizes, on the heap and mapped (R3, R4, R6,
//! R9).
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, realloc_null, scenario};

scenario!(|| {
    let ascending = [8, 24, 100, 1000, 10_000, 60_000, 132_000, 200_000];
    let mut descending = ascending;
    descending.reverse();
    let mixed = [1000, 200_000, 24, 60_000, 132_000, 8, 10_000, 100];
    for sizes in [ascending, descending, mixed] {
        free_all(sizes.map(realloc_null));
    }
});
