//! R4: the preallocation happens once in a process's life: a heap that is free as a whole is used again, without a move of the
//! break.
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, malloc, scenario};

scenario!(|| {
    // The second one does not fit into the rest of the preallocation and extends it.
    free_all([100_000, 100_000].map(malloc));
    free_all([120_000, 50_000, 20_000].map(malloc));
    let _block = malloc(8);
});
