//! R8, R9: two hundred live mappings, of `os_malloc` and `os_calloc` in turn; every other one is freed first, then the rest.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free_all, malloc, scenario};

scenario!(|| {
    let mut blocks: [_; 200] = core::array::from_fn(|index| {
        Some(if index % 2 == 0 { malloc(132_000 + index) } else { calloc(1, 5000 + index) })
    });
    for start in [1, 0] {
        free_all(blocks.iter_mut().skip(start).step_by(2).filter_map(Option::take));
    }
});
