//! R9: a mapping is as long as header and aligned payload, not rounded to pages, whoever asks for it.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, malloc, realloc_null, scenario, sizes, warm};

sizes! {
    small = 16 in 16..64;
    a = 150_001 in 132_000..200_000;
    b = 200_007 in 200_000..300_000;
    c = 1_000_000 in 400_000..2_000_000;
    d = 5001 in 5000..20_000;
}

scenario!(|| {
    warm();
    let Sizes { small, a, b, c, d } = sizes();
    let _small = [small, small].map(malloc);
    // The scene is set.
    let _blocks = [a, b, c].map(malloc);
    let _zeroed = calloc(1, d);
    let _null = realloc_null(b);
});
