//! R17: blocks of many sizes, live at the same time, keep their contents until they are freed.
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, malloc, scenario, sizes};

sizes! {
    small = 24 in 8..200;
    medium = 2000 in 1000..9000;
    large = 150_000 in 132_000..300_000;
}

scenario!(|| {
    let Sizes { small, medium, large } = sizes();
    let blocks = [small, large, medium, small, medium, large, small + 1, medium + 7].map(malloc);
    let more = [medium, small, large].map(malloc);
    free_all(blocks);
    free_all(more);
});
