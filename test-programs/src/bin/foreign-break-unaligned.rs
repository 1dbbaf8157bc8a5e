//! R16: the program leaves the break at an odd address: the next region starts at the next multiple of 8 and is kept whole.
#![cfg_attr(not(test), no_main)]

use test_programs::{foreign_break, free, malloc, same_place, scenario};

scenario!(|| {
    let _full = [100_000, 100_000].map(malloc);
    let _foreign = foreign_break(4099);
    let [first, second] = [1000, 2000].map(malloc);
    let place = first.place();
    free(first);
    free(second);
    let both = malloc(3000);
    same_place(&both, place);
});
