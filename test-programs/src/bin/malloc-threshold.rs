//! R3: just under 128 KiB `os_malloc` uses the heap, from 128 KiB on it maps.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, scenario, sizes, warm};

sizes! {
    small = 16 in 16..64;
    mapped = MAPPED;
    larger = 140_000 in 132_000..300_000;
    heap = WHOLE - 1024;
}

scenario!(|| {
    warm();
    let Sizes { small, mapped, larger, heap } = sizes();
    let _small = [small, small].map(malloc);
    // The scene is set.
    let _mapped = [mapped, larger].map(malloc);
    let _heap = malloc(heap);
    let _more = malloc(larger);
});
