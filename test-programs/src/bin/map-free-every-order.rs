//! R8: three mappings freed in every order, each by one `munmap` of its own.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free_all, malloc, scenario, sizes, warm};

sizes! {
    small = 16 in 16..64;
    a = 140_000 in 132_000..150_000;
    b = 200_000 in 150_000..300_000;
    c = 160_000 in 132_000..300_000;
}

scenario!(|| {
    warm();
    let Sizes { small, a, b, c } = sizes();
    let orders: [fn([Block; 3]) -> [Block; 3]; 6] = [
        |[a, b, c]| [a, b, c],
        |[a, b, c]| [a, c, b],
        |[a, b, c]| [b, a, c],
        |[a, b, c]| [b, c, a],
        |[a, b, c]| [c, a, b],
        |[a, b, c]| [c, b, a],
    ];
    let _small = [small, small].map(malloc);
    // The scene is set.
    for order in orders {
        free_all(order([a, b, c].map(malloc)));
    }
});
