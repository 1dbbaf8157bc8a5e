//! R1: a request for nothing gives NULL and asks nothing of the system, before any heap is there.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, malloc_gives_null, scenario, sizes};

sizes! {
    small = 96 in 16..2000;
}

scenario!(|| {
    let Sizes { small } = sizes();
    malloc_gives_null(0);
    malloc_gives_null(0);
    // Not a library that gives NULL for everything.
    let _block = malloc(small);
});
