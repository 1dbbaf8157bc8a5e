//! R3: 131032 bytes, 131064 with their header, are the most `os_malloc` takes from the heap; one byte more is mapped (O1).
#![cfg_attr(not(test), no_main)]

use test_programs::{malloc, scenario};

scenario!(|| {
    let _heap = malloc(131_032);
    let _mapped = [131_033, 131_034, 131_040, 131_041, 131_065].map(malloc);
    let _more = malloc(131_031);
});
