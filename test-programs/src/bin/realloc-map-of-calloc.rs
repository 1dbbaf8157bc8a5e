//! R13: a mapping of `os_calloc` resized to a mapped request moves to a new mapping, with its contents.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, realloc, scenario, sizes, warm};

sizes! {
    size = 10_000 in 5000..20_000;
    large = 140_000 in 132_000..300_000;
}

scenario!(|| {
    warm();
    let Sizes { size, large } = sizes();
    let block = calloc(1, size);
    // The scene is set.
    let _mapped = realloc(block, large);
});
