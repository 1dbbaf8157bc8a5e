//! R17: payloads lie at multiples of 8, whatever sizes were asked for before.
#![cfg_attr(not(test), no_main)]

use test_programs::{free_all, malloc, scenario, sizes};

sizes! {
    odd = 1 in 1..8;
    other = 13 in 9..100;
}

scenario!(|| {
    let Sizes { odd, other } = sizes();
    let blocks = [odd, other, odd + 1, other + 1, odd + 2, other + 2, odd, other].map(malloc);
    free_all(blocks);
});
