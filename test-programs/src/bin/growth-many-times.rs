//! R7: growth stays what it is: forty times nothing fits, and the break moves by exactly the new block each time.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, malloc, scenario, sizes, warm};

sizes! {
    whole = LARGEST;
    size = 992 in 16..4000;
}

scenario!(|| {
    warm();
    let Sizes { whole, size } = sizes();
    let _all = malloc(whole);
    // The scene is set.
    let _blocks: [Block; 40] = core::array::from_fn(|at| malloc(size + 8 * at));
});
