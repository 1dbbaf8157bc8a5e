//! R8: large blocks are freed again and again; their memory is given back.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, scenario, sizes};

sizes! {
    size = 1_000_000 in 900_000..1_100_000;
}

scenario!(|| {
    let Sizes { size } = sizes();
    for _ in 0..40 {
        free(malloc(size));
    }
});
