//! R5, R8: three thousand calls that take and free small blocks; the break never has to move again after the preallocation.
#![cfg_attr(not(test), no_main)]

use test_programs::{Dice, free, malloc, scenario};

scenario!(|| {
    let mut dice = Dice::new(11);
    let mut blocks = [const { None }; 40];
    for _ in 0..3000 {
        let slot = &mut blocks[dice.below(40)];
        *slot = match slot.take() {
            Some(block) => {
                free(block);
                None
            }
            None => Some(malloc(1 + dice.below(1000))),
        };
    }
});
