//! R2: sizes that overflow with their header, or lie above PTRDIFF_MAX, give NULL and ENOMEM without a system call.
#![cfg_attr(not(test), no_main)]

use test_programs::{ENOMEM, NULL, expect_errno, malloc, malloc_gives_null, realloc_gives_null, scenario};

scenario!(|| {
    let half = usize::MAX / 2;
    for size in [usize::MAX, usize::MAX - 7, usize::MAX - 31, usize::MAX - 39, half + 2, half + 1] {
        expect_errno(ENOMEM, || malloc_gives_null(size));
        expect_errno(ENOMEM, || realloc_gives_null(NULL, size));
    }
    let _block = malloc(100);
});
