//! R4: neither a mapping made by `os_realloc(NULL, n)` nor its move to a larger one (R13) triggers the preallocation.
#![cfg_attr(not(test), no_main)]

use test_programs::{realloc, realloc_null, scenario};

scenario!(|| {
    let block = realloc_null(200_000);
    let _block = realloc(block, 300_000);
    // Only now the heap is needed.
    let _heap = realloc_null(100);
});
