//! R10, R7: `os_realloc(NULL, n)` adds a whole block where nothing fits.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc_null, scenario, sizes, warm};

sizes! {
    whole = LARGEST;
    a = 992 in 16..4000;
    b = 20_000 in 16..30_000;
}

scenario!(|| {
    warm();
    let Sizes { whole, a, b } = sizes();
    let _all = malloc(whole);
    // The scene is set.
    let _added = [a, b].map(realloc_null);
});
