//! R4: the first heap request moves the break once, by 128 KiB; the following ones are cut from what is left (R6).
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, scenario, sizes};

sizes! {
    first = 992 in 16..4000;
    second = 16 in 16..400;
    third = 50_000 in 10_000..60_000;
}

scenario!(|| {
    let Sizes { first, second, third } = sizes();
    let _blocks = [first, second, third].map(malloc);
});
