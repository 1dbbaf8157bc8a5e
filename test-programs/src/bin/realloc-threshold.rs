//! R3: `os_realloc` uses the threshold of `os_malloc`: a size that `os_calloc` would map stays on the heap.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, scenario, sizes, warm};

sizes! {
    size = 96 in 16..1000;
    heap = 6000 in 4200..9000;
    mapped = MAPPED;
    guard = 96 in 16..400;
}

scenario!(|| {
    warm();
    let Sizes { size, heap, mapped, guard } = sizes();
    let [block, _g1, other, _g2] = [size, guard, size, guard].map(malloc);
    // The scene is set.
    let _heap = realloc(block, heap);
    let _mapped = realloc(other, mapped);
});
