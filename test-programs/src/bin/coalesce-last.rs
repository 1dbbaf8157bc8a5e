//! R5: a block freed at the end is merged with the free rest of the heap: what fits only into both needs no system call.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario, sizes, warm};

sizes! {
    a = 60_000 in 20_000..80_000;
    b = 10_000 in 1000..20_000;
    rest = WHOLE - (a + HEADER);
}

scenario!(|| {
    warm();
    let Sizes { a, b, rest } = sizes();
    let [_first, second] = [a, b].map(malloc);
    let place = second.place();
    free(second);
    // The scene is set.
    let merged = malloc(rest - 8);
    same_place(&merged, place);
});
