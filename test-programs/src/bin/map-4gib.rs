//! R9, R8: a mapping of more than 4 GiB is as long as it must be, when it is made, resized and given back; the system may refuse it.
#![cfg_attr(not(test), no_main)]

use test_programs::{huge_free, huge_malloc, huge_realloc, scenario};

const GIB: usize = 1 << 30;

scenario!(|| {
    let Some(block) = huge_malloc(4 * GIB + 5000) else { return };
    let Some(block) = huge_realloc(block, 4 * GIB + 5000) else { return };
    huge_free(block);
    let Some(block) = huge_malloc(8 * GIB) else { return };
    huge_free(block);
});
