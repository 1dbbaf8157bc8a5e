//! R15, R12: growing the last block and moving another one are refused: NULL and ENOMEM, both stay as they are, and later they
//! grow.
#![cfg_attr(not(test), no_main)]

use test_programs::{
    Block, ENOMEM, Refused, expect_errno, free, malloc, realloc, realloc_fails, same_place, scenario, while_refused,
};

scenario!(|| {
    let [first, last] = [100_000, 100_000].map(malloc);
    let places = [&first, &last].map(Block::place);
    let (first, last) = while_refused(Refused::Break, || {
        let last = expect_errno(ENOMEM, || realloc_fails(last, 110_000));
        let first = expect_errno(ENOMEM, || realloc_fails(first, 110_000));
        (first, last)
    });
    same_place(&first, places[0]);
    same_place(&last, places[1]);
    let last = realloc(last, 110_000);
    same_place(&last, places[1]);
    free(realloc(first, 110_000));
});
