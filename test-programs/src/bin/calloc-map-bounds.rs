//! R9, R17: `os_calloc` clears nothing beyond a mapping that ends with its last page: what lies behind it, another one, is whole.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free_all, scenario, sizes, warm};

sizes! {
    size = 2 * PAGE - HEADER;
}

scenario!(|| {
    warm();
    let Sizes { size } = sizes();
    // The scene is set.
    let blocks = [size; 3].map(|size| calloc(1, size));
    free_all(blocks);
});
