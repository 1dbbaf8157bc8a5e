//! R7, R12: a block that grew, by a new move of the break or by what lies behind it, is in use as before: the next ones do not lie in it.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, scenario, sizes, warm};

sizes! {
    first = 100_000 in 90_000..110_000;
    rest = WHOLE - (first + HEADER);
    more = 30_000 in 20_000..40_000;
    small = 96 in 16..400;
    grown = rest + more;
    half = rest / 2;
}

scenario!(|| {
    warm();
    let Sizes { first, rest, more, small, grown, half } = sizes();
    let [_first, last] = [first, rest].map(malloc);
    free(last);
    // The scene is set.
    let extended = malloc(grown);
    let _one = malloc(small);
    let moved = realloc(extended, grown + more);
    let _two = malloc(half);
    let moved = realloc(moved, grown + more + small);
    let _three = malloc(small);
    let _four = realloc(moved, grown + more + more);
    let _five = [small, half].map(malloc);
});
