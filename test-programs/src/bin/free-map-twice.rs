//! R14: a mapping freed a second time is ignored: no second `munmap`, no crash.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, free_ignored, malloc, scenario};

scenario!(|| {
    let [block, _other] = [200_000, 300_000].map(malloc);
    let place = block.place();
    free(block);
    free_ignored(place);
    let _next = malloc(100);
    free_ignored(place);
});
