//! R4 and R10: the preallocation comes with the first heap request, also when that is `os_realloc(NULL, n)`.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc_null, scenario};

scenario!(|| {
    let _blocks = [1000, 8, 50_000, 100, 30_000].map(realloc_null);
    // Still cut from the same 128 KiB, whoever asks.
    let _more = malloc(1000);
});
