//! R3: a mapped request is mapped, even where the heap has a free block large enough.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free_all, malloc, realloc_null, scenario};

scenario!(|| {
    free_all([100_000, 100_000].map(malloc));
    let _mapped = [malloc(150_000), realloc_null(160_000), calloc(1, 5000)];
    let _heap = malloc(120_000);
});
