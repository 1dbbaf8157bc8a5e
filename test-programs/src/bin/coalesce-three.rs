//! R5: three free neighbours, the middle one freed last, are merged into one.
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, malloc, same_place, scenario};

scenario!(|| {
    let [_before, first, second, third, _behind] = [100, 1000, 1000, 1000, 100].map(malloc);
    let place = first.place();
    free_all([first, third, second]);
    let all = malloc(3030);
    same_place(&all, place);
});
