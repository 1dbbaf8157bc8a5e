//! R8, R5: a thousand blocks are freed one after the other, and each of them is used again: the break never has to move.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, scenario, sizes, warm};

sizes! {
    size = 30_000 in 25_000..32_000;
    small = 96 in 16..400;
}

scenario!(|| {
    warm();
    let Sizes { size, small } = sizes();
    let _first = malloc(small);
    // The scene is set.
    for _ in 0..500 {
        let [one, two] = [size, small].map(malloc);
        free(one);
        free(two);
    }
    let _last = [size, size, size].map(malloc);
});
