//! R2, R15: a block resized to a size that overflows stays allocated with its contents, on the heap and mapped; ENOMEM, no
//! system call.
#![cfg_attr(not(test), no_main)]

use test_programs::{ENOMEM, expect_errno, free_all, malloc, realloc_fails, scenario};

scenario!(|| {
    let half = usize::MAX / 2;
    let mut blocks = [1000, 100, 200_000].map(malloc);
    for size in [usize::MAX, usize::MAX - 39, half + 1] {
        blocks = blocks.map(|block| expect_errno(ENOMEM, || realloc_fails(block, size)));
    }
    free_all(blocks);
});
