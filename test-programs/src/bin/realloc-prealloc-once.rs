//! R4 and R10: the preallocation comes with the first heap request, also when that is `os_realloc(NULL, n)`.
#![cfg_attr(not(test), no_main)]

use test_programs::{realloc_null, scenario, sizes};

sizes! {
    first = 992 in 16..4000;
    second = 16 in 16..400;
    third = 50_000 in 10_000..60_000;
}

scenario!(|| {
    let Sizes { first, second, third } = sizes();
    let _blocks = [first, second, third].map(realloc_null);
});
