//! R10: `os_realloc` of a pointer that never came from the allocator gives NULL and sets errno to EINVAL, before the first
//! request too.
#![cfg_attr(not(test), no_main)]

use test_programs::{EINVAL, NULL, expect_errno, malloc, realloc_gives_null, scenario, stack_place};

scenario!(|| {
    let foreign = [stack_place(), NULL.plus(1), NULL.plus(8), NULL.plus(4096), NULL.plus(usize::MAX - 7)];
    for _ in 0..2 {
        for place in foreign {
            expect_errno(EINVAL, || realloc_gives_null(place, 100));
        }
        let _blocks = [1000, 200_000].map(malloc);
    }
});
