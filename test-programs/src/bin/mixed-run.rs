//! R5 to R8, R11, R17: two hundred calls on the heap in an order like chance; blocks are taken, zeroed, shrunk and freed.
#![cfg_attr(not(test), no_main)]

use test_programs::{Block, Dice, calloc, free, malloc, realloc, scenario, warm};

scenario!(|| {
    warm();
    let mut dice = Dice::new(7);
    let mut blocks = [const { None::<Block> }; 20];
    for _ in 0..200 {
        let slot = &mut blocks[dice.below(20)];
        *slot = match (slot.take(), dice.below(3)) {
            (None, 0) => Some(calloc(1 + dice.below(8), 1 + dice.below(400))),
            (None, _) => Some(malloc(1 + dice.below(30_000))),
            (Some(block), 0) => {
                let size = 1 + dice.below(block.size());
                Some(realloc(block, size))
            }
            (Some(block), _) => {
                free(block);
                None
            }
        };
    }
});
