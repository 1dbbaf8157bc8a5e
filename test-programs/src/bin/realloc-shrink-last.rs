//! R11: the last heap block shrinks without a system call; its rest is free for others.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    first = 60_000 in 30_000..90_000;
    size = WHOLE - (first + HEADER);
    part = 10_000 in 1000..20_000;
    rest = size - (part + HEADER);
}

scenario!(|| {
    warm();
    let Sizes { first, size, part, rest } = sizes();
    let [_first, last] = [first, size].map(malloc);
    let place = last.place();
    // The scene is set.
    let last = realloc(last, part);
    same_place(&last, place);
    let _rest = malloc(rest - 8);
});
