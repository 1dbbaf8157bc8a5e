//! R10: `os_realloc` of a pointer into a used block gives NULL, sets errno to EINVAL, and the block keeps its contents.
#![cfg_attr(not(test), no_main)]

use test_programs::{EINVAL, expect_errno, malloc, realloc_gives_null, scenario};

scenario!(|| {
    let [heap, _guard, mapped] = [1000, 100, 200_000].map(malloc);
    for place in [heap.place(), mapped.place()] {
        for bytes in [1, 8, 32, 992] {
            expect_errno(EINVAL, || realloc_gives_null(place.plus(bytes), 500));
        }
    }
});
