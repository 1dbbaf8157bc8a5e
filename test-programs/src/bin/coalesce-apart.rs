//! R5: free blocks with a used one between them are not merged; once that is freed too, all three are.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, free_all, malloc, same_place, scenario};

scenario!(|| {
    let [first, between, third, _used, fifth, _guard] = [1000, 1000, 1000, 1000, 1000, 100].map(malloc);
    let place = first.place();
    free_all([first, third, fifth]);
    let _elsewhere = malloc(1500);
    free(between);
    let three = malloc(3000);
    same_place(&three, place);
});
