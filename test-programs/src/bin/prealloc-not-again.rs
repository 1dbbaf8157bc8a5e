//! R4: the preallocation happens once in a process's life: a heap that is free as a whole is used again, without a move of the
//! break.
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, malloc, scenario, sizes};

sizes! {
    first = 992 in 16..4000;
    second = 2000 in 16..4000;
}

scenario!(|| {
    let Sizes { first, second } = sizes();
    let blocks = [first, second].map(malloc);
    free_all(blocks);
    // The scene is set.
    let _again = [first, second].map(malloc);
});
