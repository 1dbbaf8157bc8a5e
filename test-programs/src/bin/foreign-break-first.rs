//! R16, R4: the program moved the break before the first request: the preallocation comes behind that, once and whole.
#![cfg_attr(not(test), no_main)]

use test_programs::{foreign_break, malloc, scenario};

scenario!(|| {
    let _foreign = foreign_break(4096);
    // The last one does not fit into the rest of the preallocation and extends it.
    let _blocks = [100, 50_000, 100_000].map(malloc);
});
