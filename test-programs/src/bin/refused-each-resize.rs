//! R15, R12, R7: whichever move of the break is refused to a block that grows (at the end of the heap, or by moving into a free last
//! block made larger or a whole new one): NULL and ENOMEM, the block keeps its contents, and what was free can be used.
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, scenario, try_malloc, try_realloc};

scenario!(|| {
    let [first, _guard, last] = [60_000, 100, 90_000].map(try_malloc);
    let last = last.map(|block| try_realloc(block, 100_000));
    free_all(try_malloc(20_000));
    let first = first.map(|block| try_realloc(block, 70_000));
    let _reused = try_malloc(50_000);
    let last = last.map(|block| try_realloc(block, 120_000));
    free_all([first, last].into_iter().flatten());
    let _again = try_malloc(100_000);
});
