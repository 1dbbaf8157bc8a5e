//! R10: `os_realloc(p, 0)` frees the block and gives NULL: a heap block without a system call, a mapping by `munmap` (R8).
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc_zero, same_place, scenario};

scenario!(|| {
    let [block, _guard] = [1000, 100].map(malloc);
    let place = block.place();
    realloc_zero(block);
    let again = malloc(1000);
    same_place(&again, place);
    realloc_zero(malloc(200_000));
});
