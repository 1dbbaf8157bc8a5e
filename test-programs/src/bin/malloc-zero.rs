//! R1: a request for nothing gives NULL and asks nothing of the system, before any heap is there.
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc_gives_null, scenario};

scenario!(|| {
    malloc_gives_null(0);
    malloc_gives_null(0);
});
