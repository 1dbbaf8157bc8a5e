//! R7: nothing fits and the last heap block is free: the break moves by exactly the bytes it lacks, and it stays where it is.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario, sizes, warm};

sizes! {
    first = 100_000 in 80_000..110_000;
    more = 10_000 in 16..12_000;
    rest = WHOLE - (first + HEADER);
    larger = rest + more;
}

scenario!(|| {
    warm();
    let Sizes { first, rest, larger, .. } = sizes();
    let [_first, last] = [first, rest].map(malloc);
    let place = last.place();
    free(last);
    // The scene is set.
    let last = malloc(larger);
    same_place(&last, place);
    free(last);
    let last = malloc(larger + 8);
    same_place(&last, place);
});
