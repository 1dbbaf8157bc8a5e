//! R5, R17: a freed block is used again for an `os_calloc` of its size, and zeroed although it was written to.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free, same_place, scenario};

scenario!(|| {
    let freed = calloc(10, 100);
    let _guard = calloc(1, 100);
    let place = freed.place();
    free(freed);
    let same = calloc(100, 10);
    same_place(&same, place);
});
