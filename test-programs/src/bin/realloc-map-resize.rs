//! R13: a mapping resized to a larger or a smaller mapped request always moves to a new mapping, even if it needs as many
//! pages; then the old one is unmapped.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, scenario, sizes, warm};

sizes! {
    size = 200_000 in 190_000..210_000;
    larger = 300_000 in 290_000..400_000;
    smaller = 150_000 in 132_000..160_000;
}

scenario!(|| {
    warm();
    let Sizes { size, larger, smaller } = sizes();
    let block = malloc(size);
    // The scene is set.
    let block = [larger, larger - 496, smaller, smaller + 96].into_iter().fold(block, realloc);
    free(block);
});
