//! R10, R8: `os_realloc(p, 0)` frees the block and gives NULL: a heap block without a system call, a mapping by `munmap`.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc_zero, same_place, scenario, sizes, warm};

sizes! {
    size = 992 in 16..4000;
    guard = 96 in 16..400;
    fill = WHOLE - (size + guard + 2 * HEADER + 320);
    large = 200_000 in 132_000..300_000;
}

scenario!(|| {
    warm();
    let Sizes { size, guard, fill, large } = sizes();
    let [block, _guard, _fill] = [size, guard, fill].map(malloc);
    let place = block.place();
    let mapped = malloc(large);
    // The scene is set.
    realloc_zero(block);
    let again = malloc(size - 8);
    same_place(&again, place);
    realloc_zero(mapped);
});
