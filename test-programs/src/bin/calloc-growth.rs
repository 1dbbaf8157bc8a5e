//! R7, R17: `os_calloc` extends the free last block by what it lacks, then adds whole blocks; all of it is zero.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free, malloc, scenario};

scenario!(|| {
    let [_first, last] = [100_000, 100_000].map(malloc);
    free(last);
    // Leaves a free block at the end that is too small for the next request and was written to.
    let _most = malloc(98_000);
    let _extended = calloc(1, 4000);
    let _added = calloc(7, 3);
    let _more = calloc(40, 100);
});
