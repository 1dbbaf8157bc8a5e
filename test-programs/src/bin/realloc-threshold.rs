//! R3, R10, R12: `os_realloc` uses the threshold of `os_malloc`, also for a block that `os_calloc` gave.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, malloc, realloc, realloc_null, scenario};

scenario!(|| {
    let [block, _g1] = [100, 100].map(malloc);
    let zeroed = calloc(10, 10);
    let _g2 = realloc_null(5000);
    let _heap = realloc(block, 6000);
    let zeroed = realloc(zeroed, 7000);
    // Too large for the places they left: it lies behind them.
    let _g3 = malloc(8000);
    let _mapped = [realloc(zeroed, 131_072), realloc_null(131_072)];
});
