//! R1: a request for nothing gives NULL and asks nothing of the system, before the preallocation (R4) and after it.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, malloc_gives_null, scenario};

scenario!(|| {
    malloc_gives_null(0);
    malloc_gives_null(0);
    let block = malloc(100);
    malloc_gives_null(0);
    free(block);
});
