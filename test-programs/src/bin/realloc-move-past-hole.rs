//! R12 (c): a free block in front of it does not help a block to grow: it moves away, and only then is its old place free.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, malloc, realloc, same_place, scenario, sizes, warm};

sizes! {
    size = 992 in 400..1000;
    hole = 800 in 400..1000;
    guard = 96 in 16..400;
    larger = size + 400;
    target = hole + size + HEADER + 208;
    both = hole + size;
    fill = WHOLE - (hole + size + guard + target + 4 * HEADER + 320);
}

scenario!(|| {
    warm();
    let Sizes { size, hole, guard, larger, target, both, fill } = sizes();
    let [freed, block, _guard, other, _fill] = [hole, size, guard, target, fill].map(malloc);
    let (here, there) = (freed.place(), other.place());
    free(freed);
    free(other);
    // The scene is set.
    let block = realloc(block, larger - 8);
    same_place(&block, there);
    let again = malloc(both);
    same_place(&again, here);
});
