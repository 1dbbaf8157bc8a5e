//! R15: a mapping larger than any address space is asked for and refused: NULL and ENOMEM; the block to be resized stays.
#![cfg_attr(not(test), no_main)]

use test_programs::{
    ENOMEM, calloc_gives_null, expect_errno, free, malloc, malloc_gives_null, realloc_fails, scenario,
};

scenario!(|| {
    let half = usize::MAX / 2;
    let mut block = malloc(1000);
    for size in [half - 1000, half / 8] {
        expect_errno(ENOMEM, || malloc_gives_null(size));
        expect_errno(ENOMEM, || calloc_gives_null(1, size));
        block = expect_errno(ENOMEM, || realloc_fails(block, size));
    }
    free(block);
});
