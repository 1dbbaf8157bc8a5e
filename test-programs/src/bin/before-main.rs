//! R3, R4: a constructor of the program calls the allocator before `main` does; everything works there already.
#![cfg_attr(not(test), no_main)]

use test_programs::{before_main, calloc, free, malloc, scenario};

before_main!(|| {
    free(malloc(100));
    let _kept = [malloc(2000), malloc(150_000)];
});

scenario!(|| {
    let _blocks = [1000, 200_000].map(malloc);
    free(calloc(10, 50));
});
