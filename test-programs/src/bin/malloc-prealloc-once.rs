//! R4: the first heap request moves the break once, by 128 KiB; the following ones are cut from what is left (R6).
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, scenario};

scenario!(|| {
    let _blocks = [1000, 8, 50_000].map(malloc);
    // Still cut from the same 128 KiB.
    let _more = [100, 30_000].map(malloc);
});
