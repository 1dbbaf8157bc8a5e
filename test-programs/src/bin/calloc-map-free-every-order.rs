//! R8, R17: three mappings of `os_calloc`, from one page on, freed in every order; each new one is zero.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, calloc, free_all, malloc, scenario, sizes, warm};

sizes! {
    small = 16 in 16..64;
    a = 5008 in 5000..9000;
    b = 140_000 in 132_000..200_000;
    c = 10_000 in 9000..20_000;
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
        free_all(order([a, b, c].map(|size| calloc(1, size))));
    }
});
