//! R15, R5, R7, R8, R9, R12, R13, R17: a mixture of all four functions keeps its blocks, whichever mapping or move of the break is
//! refused.
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, scenario, try_calloc, try_malloc, try_realloc};

scenario!(|| {
    let hole = try_malloc(60_000);
    let mapped = try_malloc(150_000);
    let zeroed = try_calloc(10, 300);
    let third = try_malloc(90_000);
    let _guard = try_malloc(100);
    free_all(hole);
    let zeroed = zeroed.map(|block| try_realloc(block, 40_000));
    let mapped = mapped.map(|block| try_realloc(block, 30_000));
    let third = third.map(|block| try_realloc(block, 140_000));
    free_all([zeroed, third].into_iter().flatten());
    free_all(mapped.map(|block| try_realloc(block, 1000)));
    let _again = [try_malloc(500), try_calloc(20, 100)];
});
