//! R3, R10: `os_realloc(NULL, n)` has the threshold of `os_malloc`: 131032 bytes are heap, 131033 are mapped (O1).
#![cfg_attr(not(test), no_main)]

use test_programs::{realloc_null, scenario};

scenario!(|| {
    // 131033 bytes are 131040 once aligned, 131072 with their header.
    let _mapped = [131_033, 131_034].map(realloc_null);
    let _heap = [131_032, 131_031].map(realloc_null);
});
