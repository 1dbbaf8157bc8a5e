//! R14: a pointer into a used block, on the heap or mapped, is ignored by `os_free`: the block stays in use.
#![cfg_attr(not(test), no_main)]

use test_programs::{free_ignored, malloc, scenario};

scenario!(|| {
    let [heap, _guard, mapped] = [1000, 100, 200_000].map(malloc);
    for place in [heap.place(), mapped.place()] {
        for bytes in [1, 8, 32, 992] {
            free_ignored(place.plus(bytes));
        }
    }
    let _elsewhere = malloc(1000);
});
