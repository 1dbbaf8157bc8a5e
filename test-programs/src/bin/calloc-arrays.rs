//! R3, R17: arrays of ascending, descending and mixed totals, on the heap and mapped, each zeroed wherever it lies.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, malloc, scenario, sizes, warm};

sizes! {
    small = 16 in 16..64;
    a = 16 in 16..64;
    b = 96 in 80..200;
    c = 992 in 400..2000;
    d = 3200 in 2000..3500;
    e = 8000 in 5000..20_000;
    f = 200_000 in 132_000..300_000;
}

scenario!(|| {
    warm();
    let Sizes { small, a, b, c, d, e, f } = sizes();
    let _small = [small, small].map(malloc);
    // The scene is set.
    let _ascending = [a, b, c, d, e, f].map(|size| calloc(1, size));
    let _descending = [f, e, d, c, b, a].map(|size| calloc(size / 8, 8));
    let _mixed = [e, a, d, f, b, c].map(|size| calloc(8, size / 8));
});
