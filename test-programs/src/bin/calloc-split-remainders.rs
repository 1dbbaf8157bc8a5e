//! R6: `os_calloc` gives the whole of a reused block as well, unless at least 40 bytes remain; the growth behind it (R7) shows
//! which.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free, malloc, scenario};

scenario!(|| {
    let _full = [100_000, 100_000].map(malloc);
    let _blocks = [0, 8, 24, 32, 39, 40].map(|remainder| {
        free(malloc(1000));
        let part = calloc(1, 1000 - remainder);
        [part, malloc(16)]
    });
});
