//! R10, R7: `os_realloc(NULL, n)` extends the free last block by what it lacks, then adds whole blocks.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, realloc_null, same_place, scenario};

scenario!(|| {
    let [_first, last, _added] = [100_000, 50_000, 1000].map(realloc_null);
    let place = last.place();
    free(last);
    let again = realloc_null(50_000);
    same_place(&again, place);
});
