//! R10 and R1: `os_realloc(NULL, 0)` is `os_malloc(0)`: NULL, and no preallocation yet.
#![cfg_attr(not(test), no_main)]

use test_programs::{NULL, realloc_gives_null, realloc_null, scenario, sizes};

sizes! {
    small = 96 in 16..2000;
}

scenario!(|| {
    let Sizes { small } = sizes();
    realloc_gives_null(NULL, 0);
    realloc_gives_null(NULL, 0);
    // Not a library that gives NULL for everything.
    let _block = realloc_null(small);
});
