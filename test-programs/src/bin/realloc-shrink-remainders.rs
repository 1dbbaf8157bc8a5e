//! R11, R6: a block shrunk by too little keeps all it has; from 40 bytes on the rest becomes free. The growth behind it (R7)
//! shows which.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario};

scenario!(|| {
    let _full = [100_000, 100_000].map(malloc);
    let _blocks = [0, 8, 24, 32, 39, 40].map(|remainder| {
        let block = malloc(1000);
        let place = block.place();
        let part = realloc(block, 1000 - remainder);
        same_place(&part, place);
        [part, malloc(16)]
    });
});
