//! R10: `os_realloc(p, 0)` frees the block and gives NULL, small or large.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc_zero, scenario, sizes};

sizes! {
    small = 496 in 16..4000;
    large = 200_000 in 132_000..300_000;
}

scenario!(|| {
    let Sizes { small, large } = sizes();
    for _ in 0..3 {
        realloc_zero(malloc(small));
        realloc_zero(malloc(large));
    }
});
