//! R4: what `os_calloc` maps, from the size of a page on (R3), does not trigger the preallocation.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, scenario, sizes};

sizes! {
    large = 8000 in 5000..20_000;
    larger = 300_000 in 140_000..400_000;
    small = 96 in 16..3000;
}

scenario!(|| {
    let Sizes { large, larger, small } = sizes();
    let _mapped = [large, larger].map(|size| calloc(1, size));
    // The scene is set.
    // Only now the heap is needed.
    let _heap = calloc(1, small);
});
