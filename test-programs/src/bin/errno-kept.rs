//! R1, R8 and all others: a call that succeeds keeps errno, and so do `os_free` and a request for nothing.
#![cfg_attr(not(test), no_main)]

use test_programs::{
    NULL, calloc, calloc_gives_null, free, free_all, free_ignored, keep_errno, malloc, malloc_gives_null, realloc,
    realloc_gives_null, realloc_zero, scenario,
};

scenario!(|| {
    keep_errno(|| {
        malloc_gives_null(0);
        calloc_gives_null(0, 8);
        realloc_gives_null(NULL, 0);
        let [block, last] = [100_000, 100_000].map(malloc);
        let block = [500, 1000, 200_000, 300_000, 110_000, 120_000].into_iter().fold(block, realloc);
        let zeroed = [10, 5000].map(|size| calloc(1, size));
        realloc_zero(last);
        free(block);
        free_all(zeroed);
        free_ignored(NULL);
    });
});
