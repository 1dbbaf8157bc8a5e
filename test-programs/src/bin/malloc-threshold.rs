//! R3: just under 128 KiB `os_malloc` uses the heap, from 128 KiB on it maps.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, scenario};

scenario!(|| {
    let _heap = malloc(131_000);
    let _mapped = malloc(131_072);
    let _more = [100_000, 140_000].map(malloc);
});
