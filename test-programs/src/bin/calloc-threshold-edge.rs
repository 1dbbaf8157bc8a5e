//! R3: 4056 bytes, 4088 with their header, are the most `os_calloc` takes from the heap; one byte more is mapped (O2).
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, scenario};

scenario!(|| {
    let _heap = [(1, 4055), (1, 4056), (507, 8)].map(|(nmemb, size)| calloc(nmemb, size));
    // 4057 bytes are 4064 once aligned, 4096 with their header.
    let _mapped = [(1, 4057), (2, 2029), (508, 8), (1, 4065)].map(|(nmemb, size)| calloc(nmemb, size));
});
