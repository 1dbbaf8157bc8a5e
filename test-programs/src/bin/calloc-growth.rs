//! R7, R17: `os_calloc` extends the free last block by what it lacks, then adds whole blocks; all of it is zero.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free, malloc, scenario, sizes, warm};

sizes! {
    last = 992 in 400..1500;
    first = WHOLE - (last + HEADER);
    more = 2000 in 1600..3000;
    added = 96 in 16..400;
}

scenario!(|| {
    warm();
    let Sizes { last, first, more, added } = sizes();
    let [_first, last_block] = [first, last].map(malloc);
    free(last_block);
    // The scene is set.
    let _extended = calloc(1, more);
    let _added = [added, more].map(|size| calloc(1, size));
});
