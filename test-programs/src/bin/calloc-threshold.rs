//! R3: `os_calloc` maps from the size of a page on; what counts is `nmemb * size` and the header.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, malloc, scenario, sizes, warm};

sizes! {
    small = 16 in 16..64;
    heap = PAGE - HEADER - 64;
    nearly = PAGE - HEADER / 2;
    page = PAGE;
    larger = 10_000 in 5000..20_000;
}

scenario!(|| {
    warm();
    let Sizes { small, heap, nearly, page, larger } = sizes();
    let _small = [small, small].map(malloc);
    // The scene is set.
    let _heap = [(1, heap), (heap / 8, 8)].map(|(nmemb, size)| calloc(nmemb, size));
    let _mapped = [(1, nearly), (1, page), (page / 8, 8), (10, larger)].map(|(nmemb, size)| calloc(nmemb, size));
});
