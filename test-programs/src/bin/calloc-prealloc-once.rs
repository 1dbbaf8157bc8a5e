//! R4: the preallocation comes with the first heap request, also when that is an `os_calloc`, and then never again.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, malloc, scenario};

scenario!(|| {
    let _blocks = [(10, 100), (1, 8), (1000, 4), (3, 33)].map(|(nmemb, size)| calloc(nmemb, size));
    // Still cut from the same 128 KiB, whoever asks.
    let _more = [1000, 50_000].map(malloc);
});
