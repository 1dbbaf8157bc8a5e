//! R8, R9, R17: three mappings of `os_calloc`, from one page on, freed in every order; each new one is zero.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, calloc, free_all, scenario};

scenario!(|| {
    let orders: [fn([Block; 3]) -> [Block; 3]; 6] = [
        |[a, b, c]| [a, b, c],
        |[a, b, c]| [a, c, b],
        |[a, b, c]| [b, a, c],
        |[a, b, c]| [b, c, a],
        |[a, b, c]| [c, a, b],
        |[a, b, c]| [c, b, a],
    ];
    for order in orders {
        free_all(order([5000, 140_000, 10_000].map(|size| calloc(1, size))));
    }
});
