//! R10: `os_free(NULL)` does nothing, and `os_realloc(NULL, n)` gives a block as `os_malloc(n)` does.
#![cfg_attr(not(test), no_main)]

use test_programs::{NULL, free, free_ignored, realloc_null, scenario, sizes};

sizes! {
    size = 496 in 16..4000;
}

scenario!(|| {
    let Sizes { size } = sizes();
    free_ignored(NULL);
    let block = realloc_null(size);
    free_ignored(NULL);
    free(block);
});
