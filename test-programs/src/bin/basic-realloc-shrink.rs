//! R17: a block that shrinks again and again, from a mapping down to a few bytes, keeps what still fits.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, scenario, sizes};

sizes! {
    size = 300_000 in 200_000..400_000;
}

scenario!(|| {
    let Sizes { size } = sizes();
    let mut block = malloc(size);
    while block.size() > 8 {
        let smaller = block.size() / 2;
        block = realloc(block, smaller);
    }
    free(block);
});
