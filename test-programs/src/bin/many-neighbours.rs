//! R5: a hundred free neighbours are merged into one block, which holds what none of them could.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free_all, malloc, same_place, scenario, sizes, warm};

const PARTS: usize = 100;

sizes! {
    part = 208 in 96..300;
    guard = 96 in 16..400;
    all = 100 * part + 99 * HEADER;
    fill = WHOLE - (all + guard + 2 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { part, guard, all, fill } = sizes();
    let parts: [Block; PARTS] = core::array::from_fn(|_| malloc(part));
    let [_guard, _fill] = [guard, fill].map(malloc);
    let place = parts[0].place();
    free_all(parts);
    // The scene is set.
    let merged = malloc(all - 8);
    same_place(&merged, place);
});
