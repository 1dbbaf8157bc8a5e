//! R5, R6, R11, R12, R17: a block and both its neighbours are freed, shrunk or made larger in every combination, then others are asked for:
//! no block comes to lie in another, and each keeps its contents.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, free, free_all, malloc, realloc, scenario, sizes, warm};

sizes! {
    size = 496 in 400..700;
    less = 208 in 96..300;
    more = 704 in 700..900;
    small = 64 in 16..96;
    large = 1504 in 1200..2000;
}

scenario!(|| {
    warm();
    let Sizes { size, less, more, small, large } = sizes();
    let change = |block: Block, how: usize| match how {
        0 => Some(block),
        1 => {
            free(block);
            None
        }
        2 => Some(realloc(block, less)),
        _ => Some(realloc(block, more)),
    };
    // The scene is set.
    for centre in 1..4 {
        for left in 0..4 {
            for right in 0..4 {
                let [before, block, after, guard] = [size; 4].map(malloc);
                let kept = [change(block, centre), change(before, left), change(after, right)];
                let asked = [small, less, large].map(malloc);
                free_all(kept.into_iter().flatten());
                free_all(asked);
                free(guard);
            }
        }
    }
});
