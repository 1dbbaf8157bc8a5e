//! R17: a thousand calls of all four functions in an order like chance; every block keeps its contents.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, Dice, calloc, free, malloc, realloc, scenario};

scenario!(|| {
    let mut dice = Dice::new(11);
    let mut blocks = [const { None::<Block> }; 40];
    for _ in 0..1000 {
        let slot = &mut blocks[dice.below(40)];
        let size = 1 + if dice.below(20) == 0 { dice.below(200_000) } else { dice.below(3000) };
        *slot = match (slot.take(), dice.below(3)) {
            (None, 0) => Some(calloc(1, size)),
            (None, _) => Some(malloc(size)),
            (Some(block), 0) => Some(realloc(block, size)),
            (Some(block), _) => {
                free(block);
                None
            }
        };
    }
    blocks.into_iter().flatten().for_each(free);
});
