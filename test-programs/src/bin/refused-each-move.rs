//! R15, R12, R13, R9: whichever mapping or move of the break is refused to a block on its way from the heap to a mapping, to a larger
//! one and back to the heap: NULL and ENOMEM, it stays what it is, with its contents, and so do those beside it.
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, scenario, try_malloc, try_realloc};

scenario!(|| {
    let [block, hole, _low, _high] = [1000, 500, 100_000, 100_000].map(try_malloc);
    free_all(hole);
    let block = block.map(|block| try_realloc(block, 200_000));
    let _reused = try_malloc(500);
    let block = block.map(|block| [300_000, 50_000].into_iter().fold(block, try_realloc));
    free_all(block);
    let _again = [1000, 50_000].map(try_malloc);
});
