//! R15, R9: mappings are refused: NULL and ENOMEM; the heap still gives what fits, and later mappings work again.
#![cfg_attr(not(test), no_main)]

use test_programs::{
    ENOMEM, NULL, Refused, calloc, calloc_gives_null, expect_errno, malloc, malloc_gives_null, realloc_gives_null,
    scenario, while_refused,
};

scenario!(|| {
    let _block = malloc(1000);
    let _fitting = while_refused(Refused::Mapping, || {
        expect_errno(ENOMEM, || malloc_gives_null(200_000));
        expect_errno(ENOMEM, || calloc_gives_null(1, 5000));
        expect_errno(ENOMEM, || realloc_gives_null(NULL, 200_000));
        malloc(1000)
    });
    let _mapped = [malloc(200_000), calloc(1, 5000)];
});
