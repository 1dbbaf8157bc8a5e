//! R6, R5: after a hole was cut twice, the blocks around it are freed and asked for again: nobody merges over a block in use.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, scenario, sizes, warm};

sizes! {
    hole = 1008 in 960..1200;
    guard = 96 in 16..200;
    first = 304 in 208..320;
    second = 496 in 400..528;
    last = 400 in 336..448;
}

scenario!(|| {
    warm();
    let Sizes { hole, guard, first, second, last } = sizes();
    let [freed, behind] = [hole, guard].map(malloc);
    free(freed);
    let [front, _middle] = [first, second].map(malloc);
    free(front);
    free(behind);
    // The scene is set.
    let _blocks = [last, first, last].map(malloc);
});
