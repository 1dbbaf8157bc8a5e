//! R12 (a): the last heap block grows by moving the break by exactly what it lacks, and stays where it is.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    first = 60_000 in 50_000..70_000;
    size = WHOLE - (first + HEADER);
    more = 10_000 in 16..20_000;
}

scenario!(|| {
    warm();
    let Sizes { first, size, more } = sizes();
    let [_first, last] = [first, size].map(malloc);
    let place = last.place();
    // The scene is set.
    let last = [size + more, size + more + 1, size + more + more].into_iter().fold(last, realloc);
    same_place(&last, place);
});
