//! R1: a request for nothing gives NULL, whichever function makes it.
#![cfg_attr(not(test), no_main)]

use test_programs::{NULL, calloc_gives_null, malloc_gives_null, realloc_gives_null, scenario};

scenario!(|| {
    malloc_gives_null(0);
    calloc_gives_null(0, 8);
    calloc_gives_null(8, 0);
    realloc_gives_null(NULL, 0);
});
