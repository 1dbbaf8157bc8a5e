//! R15, R4, R7: whichever move of the break is refused (the preallocation, a free last block made larger, a whole new one): NULL and
//! ENOMEM, and what is asked for next is given as if it had never been asked for.
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, scenario, try_malloc};

scenario!(|| {
    let _first = [100_000, 500].map(try_malloc);
    let hole = try_malloc(100_000);
    let _whole = try_malloc(40_000);
    free_all(hole);
    let _fits = try_malloc(90_000);
    free_all(try_malloc(50_000));
    let _longer = try_malloc(60_000);
    let _small = [100, 1000].map(try_malloc);
});
