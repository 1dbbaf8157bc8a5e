//! R1: a request for nothing gives NULL and asks nothing of the system, whichever function makes it, while blocks are in use.
#![cfg_attr(not(test), no_main)]

use test_programs::{NULL, calloc_gives_null, malloc, malloc_gives_null, realloc_gives_null, scenario, sizes, warm};

sizes! {
    block = 96 in 16..2000;
}

scenario!(|| {
    warm();
    let Sizes { block } = sizes();
    let _block = malloc(block);
    // The scene is set.
    malloc_gives_null(0);
    calloc_gives_null(0, 8);
    calloc_gives_null(8, 0);
    realloc_gives_null(NULL, 0);
});
