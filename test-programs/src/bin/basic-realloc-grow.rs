//! R17: a block that grows again and again keeps all that it held, wherever it comes to lie.
#![cfg_attr(not(test), no_main)]

use test_programs::{free, free_all, malloc, realloc, scenario, sizes};

sizes! {
    size = 24 in 8..200;
    guard = 96 in 16..400;
}

scenario!(|| {
    let Sizes { size, guard } = sizes();
    let mut block = malloc(size);
    let mut guards = [const { None }; 12];
    for guard_place in &mut guards {
        *guard_place = Some(malloc(guard));
        let larger = 2 * block.size() + 3;
        block = realloc(block, larger);
    }
    free(block);
    free_all(guards.into_iter().flatten());
});
