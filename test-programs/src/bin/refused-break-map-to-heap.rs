//! R15, R13: a mapping that should move to the heap stays a mapping, contents and all, when the break is refused.
#![cfg_attr(not(test), no_main)]

use test_programs::{
    ENOMEM, Refused, expect_errno, malloc, realloc, realloc_fails, same_place, scenario, while_refused,
};

scenario!(|| {
    let _full = [100_000, 100_000].map(malloc);
    let mapped = malloc(200_000);
    let place = mapped.place();
    let mapped = while_refused(Refused::Break, || expect_errno(ENOMEM, || realloc_fails(mapped, 50_000)));
    same_place(&mapped, place);
    let _heap = realloc(mapped, 50_000);
});
