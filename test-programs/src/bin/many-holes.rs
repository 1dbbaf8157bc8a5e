//! R5: the search goes over all blocks: of a hundred holes the last one is the only one that fits, then each of them is used again.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free_all, malloc, same_place, scenario, sizes, warm};

const HOLES: usize = 100;

sizes! {
    hole = 208 in 96..300;
    guard = 16 in 16..64;
    last = 992 in 600..2000;
    fill = WHOLE - (100 * (hole + guard + 2 * HEADER) + last + guard + 3 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { hole, guard, last, fill } = sizes();
    let pairs: [[Block; 2]; HOLES] = core::array::from_fn(|_| [hole, guard].map(malloc));
    let [large, _guard, _fill] = [last, guard, fill].map(malloc);
    let place = large.place();
    let (mut holes, mut guards) = ([const { None }; HOLES], [const { None }; HOLES]);
    for (at, [freed, kept]) in pairs.into_iter().enumerate() {
        holes[at] = Some(freed);
        guards[at] = Some(kept);
    }
    free_all(holes.into_iter().flatten());
    free_all([large]);
    // The scene is set.
    let fitting = malloc(last - 8);
    same_place(&fitting, place);
    let _again: [Block; HOLES] = core::array::from_fn(|_| malloc(hole - 8));
});
