//! R12 (b): where too little would remain, a block takes the free one behind it whole, and later grows into the surplus.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    size = 496 in 32..2000;
    next = 992 in 64..2000;
    guard = 96 in 16..400;
    whole = size + HEADER + next;
    fill = WHOLE - (whole + guard + 2 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { size, next, guard, whole, fill } = sizes();
    let [block, next_block, _guard, _fill] = [size, next, guard, fill].map(malloc);
    let place = block.place();
    free(next_block);
    // The scene is set.
    let block = [whole - 8, whole].into_iter().fold(block, realloc);
    same_place(&block, place);
});
