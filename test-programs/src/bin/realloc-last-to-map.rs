//! R12: the last heap block resized to a mapped request moves to a mapping; the break stays, and its old place is free (O3).
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, realloc, same_place, scenario};

scenario!(|| {
    let [_first, last] = [100_000, 100_000].map(malloc);
    let place = last.place();
    let _mapped = realloc(last, 200_000);
    let again = malloc(100_000);
    same_place(&again, place);
});
