//! R14: `os_free(NULL)` does nothing at all, before and after the heap is used.
#![cfg_attr(not(test), no_main)]

use test_programs::{NULL, free, free_ignored, malloc, scenario, sizes, warm};

sizes! {
    size = 96 in 16..1000;
}

scenario!(|| {
    warm();
    let Sizes { size } = sizes();
    free_ignored(NULL);
    let block = malloc(size);
    free_ignored(NULL);
    free(block);
});
