//! R3: a mapped request is mapped, even where the heap has a free block large enough.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free_all, malloc, scenario, sizes, warm};

sizes! {
    more = 60_000 in 40_000..100_000;
    a = 150_000 in 132_000..160_000;
    c = 5008 in 5000..20_000;
    whole = LARGEST;
}

scenario!(|| {
    warm();
    let Sizes { more, a, c, whole } = sizes();
    let blocks = [whole, more].map(malloc);
    free_all(blocks);
    // The scene is set.
    let _mapped = [malloc(a), calloc(1, c)];
});
