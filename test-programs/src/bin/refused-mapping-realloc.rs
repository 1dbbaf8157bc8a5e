//! R15, R12, R13: a heap block and a mapping that should move to a new mapping stay, contents and all, when that is refused.
#![cfg_attr(not(test), no_main)]

use test_programs::{ENOMEM, Refused, expect_errno, free, malloc, realloc, realloc_fails, scenario, while_refused};

scenario!(|| {
    let [heap, _guard, mapped] = [1000, 100, 200_000].map(malloc);
    let (heap, mapped) = while_refused(Refused::Mapping, || {
        let heap = expect_errno(ENOMEM, || realloc_fails(heap, 200_000));
        let mapped = expect_errno(ENOMEM, || realloc_fails(mapped, 300_000));
        (heap, expect_errno(ENOMEM, || realloc_fails(mapped, 150_000)))
    });
    free(realloc(heap, 200_000));
    free(realloc(mapped, 300_000));
});
