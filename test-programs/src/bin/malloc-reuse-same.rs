//! R5: a freed block is used again for a request of its size, counted in aligned bytes.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, same_place, scenario};

scenario!(|| {
    let [freed, _guard] = [1000, 100].map(malloc);
    let place = freed.place();
    free(freed);
    let same = malloc(1000);
    same_place(&same, place);
    free(same);
    // 993 bytes are 1000 once aligned.
    let aligned = malloc(993);
    same_place(&aligned, place);
});
