//! R12 (c), R7: a block that must move goes into the free last block, extended by exactly the bytes it lacks.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, scenario, sizes, warm};

sizes! {
    size = 50_000 in 45_000..55_000;
    guard = 50_000 in 45_000..55_000;
    larger = 60_000 in 56_000..70_000;
}

scenario!(|| {
    warm();
    let Sizes { size, guard, larger } = sizes();
    let [block, _guard] = [size, guard].map(malloc);
    // The scene is set.
    let _block = realloc(block, larger);
});
