//! R15, R7: growth is refused, of a free last block and by a whole one: NULL and ENOMEM; what fits is still given, and later it
//! grows.
#![cfg_attr(not(test), no_main)]

use test_programs::{
    Block, ENOMEM, Refused, calloc_gives_null, expect_errno, free, malloc, malloc_gives_null, same_places, scenario,
    while_refused,
};

scenario!(|| {
    let [_first, hole, last] = [100_000, 500, 100_000].map(malloc);
    let places = [&hole, &last].map(Block::place);
    free(hole);
    free(last);
    let fitting = while_refused(Refused::Break, || {
        expect_errno(ENOMEM, || malloc_gives_null(110_000));
        let fitting = [500, 100_000].map(malloc);
        expect_errno(ENOMEM, || malloc_gives_null(1000));
        expect_errno(ENOMEM, || calloc_gives_null(1, 1000));
        fitting
    });
    same_places(&fitting, places);
    let _grown = malloc(1000);
});
