//! R8, R9: three mappings freed in every order, each by one `munmap` of its own; the next ones are mapped anew.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free_all, malloc, scenario};

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
        free_all(order([140_000, 200_000, 160_000].map(malloc)));
    }
});
