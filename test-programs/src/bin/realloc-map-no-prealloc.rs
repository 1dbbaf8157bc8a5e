//! R4: neither a mapping made by `os_realloc(NULL, n)` nor its move to a larger one (R13) triggers the preallocation.
#![cfg_attr(not(test), no_main)]

use test_programs::{realloc, realloc_null, scenario, sizes};

sizes! {
    large = 200_000 in 140_000..250_000;
    larger = 300_000 in 260_000..400_000;
    small = 96 in 16..4000;
}

scenario!(|| {
    let Sizes { large, larger, small } = sizes();
    let block = realloc_null(large);
    let _block = realloc(block, larger);
    // The scene is set.
    // Only now the heap is needed.
    let _heap = realloc_null(small);
});
