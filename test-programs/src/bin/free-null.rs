//! R14: `os_free(NULL)` does nothing, before the first request and after it.
#![cfg_attr(not(test), no_main)]

use test_programs::{NULL, free, free_ignored, malloc, scenario};

scenario!(|| {
    free_ignored(NULL);
    let block = malloc(100);
    free_ignored(NULL);
    free(block);
    free_ignored(NULL);
});
