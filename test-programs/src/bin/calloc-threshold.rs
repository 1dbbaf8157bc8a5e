//! R3: `os_calloc` maps from the size of a page on; what counts is `nmemb * size` and the header.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, scenario};

scenario!(|| {
    let _heap = [(1, 4000), (1000, 4), (1, 4023)].map(|(nmemb, size)| calloc(nmemb, size));
    let _mapped = [(1, 4096), (510, 8), (10, 10_000)].map(|(nmemb, size)| calloc(nmemb, size));
    let _more = calloc(4, 1000);
});
