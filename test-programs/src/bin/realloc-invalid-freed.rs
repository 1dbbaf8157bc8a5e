//! R10: `os_realloc` of a freed block, on the heap or unmapped, gives NULL, sets errno to EINVAL and changes nothing.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, EINVAL, expect_errno, free, malloc, realloc_gives_null, same_place, scenario};

scenario!(|| {
    let [heap, _guard, mapped] = [1000, 100, 200_000].map(malloc);
    let places = [&heap, &mapped].map(Block::place);
    free(heap);
    free(mapped);
    for place in places {
        expect_errno(EINVAL, || realloc_gives_null(place, 500));
        expect_errno(EINVAL, || realloc_gives_null(place, 300_000));
    }
    let again = malloc(1000);
    same_place(&again, places[0]);
});
