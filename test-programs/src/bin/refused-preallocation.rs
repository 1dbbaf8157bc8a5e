//! R15, R4: the preallocation is refused: NULL and ENOMEM; the next heap request, no longer refused, brings it.
#![cfg_attr(not(test), no_main)]

use test_programs::{
    ENOMEM, NULL, Refused, calloc_gives_null, expect_errno, malloc, malloc_gives_null, realloc_gives_null, scenario,
    while_refused,
};

scenario!(|| {
    while_refused(Refused::Break, || {
        expect_errno(ENOMEM, || malloc_gives_null(100));
        expect_errno(ENOMEM, || calloc_gives_null(10, 10));
        expect_errno(ENOMEM, || realloc_gives_null(NULL, 100));
    });
    let _blocks = [100, 1000].map(malloc);
});
