//! All rules in one run: several hundred calls of every kind in an order like chance, on the heap and mapped, with misuse
//! (R14), requests for nothing (R1) and, now and then, a move of the break by the program itself (R16).
#![cfg_attr(not(test), no_main)]

use test_programs::{
    Block, Dice, NULL, calloc, foreign_break, free, free_ignored, malloc, malloc_gives_null, realloc, realloc_null,
    realloc_zero, scenario,
};

scenario!(|| {
    let mut dice = Dice::new(3);
    let mut blocks = [const { None::<Block> }; 30];
    let _foreign: [_; 5] = core::array::from_fn(|_| {
        for _ in 0..80 {
            let size = [100, 1000, 10_000, 60_000, 140_000, 200_000][dice.below(6)] + dice.below(100);
            let slot = &mut blocks[dice.below(30)];
            *slot = match (slot.take(), dice.below(8)) {
                (None, 0) => Some(realloc_null(size)),
                (None, 1..4) => Some(calloc(1 + dice.below(9), 1 + size / 9)),
                (None, _) => Some(malloc(size)),
                (Some(block), 0..4) => Some(realloc(block, size)),
                (Some(block), kind) => {
                    let place = block.place();
                    (if kind == 4 { realloc_zero } else { free })(block);
                    [place, NULL].into_iter().for_each(free_ignored);
                    malloc_gives_null(0);
                    None
                }
            };
        }
        foreign_break(1000)
    });
});
