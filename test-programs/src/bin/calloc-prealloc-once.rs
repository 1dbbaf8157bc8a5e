//! R4: the preallocation comes with the first heap request, also when that is an `os_calloc`, and then never again.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, malloc, scenario, sizes};

sizes! {
    first = 992 in 16..3500;
    second = 16 in 16..400;
    third = 50_000 in 10_000..60_000;
}

scenario!(|| {
    let Sizes { first, second, third } = sizes();
    let _zeroed = [first, second].map(|size| calloc(1, size));
    // Still cut from the same 128 KiB, whoever asks.
    let _more = malloc(third);
});
