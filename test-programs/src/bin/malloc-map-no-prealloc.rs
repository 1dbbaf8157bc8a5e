//! R4: mapped requests (R3) before the first heap request do not trigger the preallocation.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, scenario, sizes};

sizes! {
    large = 200_000 in 140_000..300_000;
    larger = 400_000 in 300_000..500_000;
    small = 96 in 16..4000;
}

scenario!(|| {
    let Sizes { large, larger, small } = sizes();
    let _mapped = [large, larger].map(malloc);
    // The scene is set.
    // Only now the heap is needed.
    let _heap = malloc(small);
});
