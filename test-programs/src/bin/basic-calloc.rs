//! R17: `os_calloc` gives zeros, in new memory and in memory that was written to before, small and large.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free_all, malloc, scenario, sizes};

sizes! {
    small = 96 in 16..400;
    medium = 3000 in 1000..3500;
    large = 200_000 in 132_000..300_000;
}

scenario!(|| {
    let Sizes { small, medium, large } = sizes();
    for _ in 0..3 {
        free_all([small, medium, large, small].map(malloc));
        free_all([small, medium, large, small].map(|size| calloc(1, size)));
        free_all([small, medium].map(|size| calloc(size / 8, 8)));
    }
});
