//! R14: pointers that never came from the allocator (on the stack, near zero, at the end of the address space) are ignored by
//! `os_free`.
#![cfg_attr(not(test), no_main)]

use test_programs::{NULL, free_ignored, malloc, scenario, stack_place};

scenario!(|| {
    let foreign = [stack_place(), NULL.plus(1), NULL.plus(8), NULL.plus(4096), NULL.plus(usize::MAX - 7)];
    foreign.into_iter().for_each(free_ignored);
    let _blocks = [1000, 200_000].map(malloc);
    foreign.into_iter().for_each(free_ignored);
    let _more = malloc(1000);
});
