//! R3, R12, R13: a block is resized across the threshold, one byte up to a mapping and one byte down to the heap (O1).
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario};

scenario!(|| {
    let [block, _g1] = [100, 100].map(malloc);
    let block = realloc(block, 131_032);
    let place = block.place();
    let _g2 = malloc(1000);
    let block = realloc(block, 131_033);
    let block = realloc(block, 131_032);
    same_place(&block, place);
});
