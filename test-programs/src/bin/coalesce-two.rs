//! R5: two free neighbours are merged before the next search and hold a block that neither of them could.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario};

scenario!(|| {
    let [_before, first, second, _behind] = [100, 1000, 1000, 100].map(malloc);
    let place = first.place();
    free(first);
    free(second);
    let both = malloc(2010);
    same_place(&both, place);
});
