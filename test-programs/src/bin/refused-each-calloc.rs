//! R15, R3, R4, R7, R9, R17: whichever mapping or move of the break is refused to os_calloc: NULL and ENOMEM, and all that it gives
//! before and afterwards is zero.
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, scenario, try_calloc, try_malloc};

scenario!(|| {
    let _zeroed = try_calloc(10, 100);
    let mapped = try_calloc(1, 5000);
    let _full = try_malloc(128_000);
    let used = try_calloc(1, 3000);
    let _grown = try_calloc(3, 1000);
    free_all([used, mapped].into_iter().flatten());
    let _again = [(1, 3000), (2, 4000)].map(|(count, size)| try_calloc(count, size));
});
