//! R3, R4, R6, R9, R17: arrays of ascending, descending and mixed totals, on the heap and mapped, each zeroed wherever it lies.
#![cfg_attr(not(test), no_main)]

use test_programs::{calloc, free_all, scenario};

scenario!(|| {
    let ascending = [(1, 8), (3, 8), (10, 10), (125, 4), (1000, 1), (1, 4000), (1, 5000), (100, 100), (1000, 200)];
    let mut descending = ascending;
    descending.reverse();
    let mixed = [(100, 100), (3, 8), (1, 4000), (1000, 200), (125, 4), (1, 5000), (1, 8), (1000, 1), (10, 10)];
    for array in [ascending, descending, mixed] {
        free_all(array.map(|(nmemb, size)| calloc(nmemb, size)));
    }
});
