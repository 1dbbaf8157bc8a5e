//! R2: where `nmemb * size` overflows, with or without the header, or lies above PTRDIFF_MAX: NULL and ENOMEM without a system
//! call.
#![cfg_attr(not(test), no_main)]

use test_programs::{ENOMEM, calloc, calloc_gives_null, expect_errno, scenario};

scenario!(|| {
    let half = usize::MAX / 2;
    let products = [(usize::MAX, 2), (2, usize::MAX), (half + 1, 2), (1 << 32, 1 << 32), (usize::MAX / 3 + 1, 3)];
    let sums = [(usize::MAX, 1), (1, usize::MAX - 31), (half + 1, 1)];
    for (nmemb, size) in products.into_iter().chain(sums) {
        expect_errno(ENOMEM, || calloc_gives_null(nmemb, size));
    }
    calloc_gives_null(0, usize::MAX);
    let _block = calloc(10, 10);
});
