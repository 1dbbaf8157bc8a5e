//! R5: free blocks with a used one between them are not merged; once that is freed too, all three are.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, free_all, malloc, same_place, scenario, sizes, warm};

sizes! {
    size = 992 in 400..2000;
    guard = 96 in 16..400;
    three = 3 * size + 2 * HEADER;
    rest = WHOLE - (three + guard + 2 * HEADER);
}

scenario!(|| {
    warm();
    let Sizes { size, guard, three, rest } = sizes();
    let [first, between, third, _guard] = [size, size, size, guard].map(malloc);
    let place = first.place();
    free_all([first, third]);
    // The scene is set.
    let _rest = malloc(rest - 8);
    free(between);
    let merged = malloc(three - 8);
    same_place(&merged, place);
});
