//! R10, R3: `os_realloc(NULL, n)` is `os_malloc(n)` for small, medium and large sizes, on the heap and mapped.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc_null, scenario, sizes, warm};

sizes! {
    small = 16 in 16..64;
    a = 16 in 16..64;
    b = 96 in 80..200;
    c = 992 in 400..2000;
    d = 10_000 in 4000..20_000;
    e = 60_000 in 20_000..70_000;
    f = 140_000 in 132_000..300_000;
}

scenario!(|| {
    warm();
    let Sizes { small, a, b, c, d, e, f } = sizes();
    let _small = [small, small].map(malloc);
    // The scene is set.
    let _blocks = [c, f, a, e, b, d].map(realloc_null);
});
