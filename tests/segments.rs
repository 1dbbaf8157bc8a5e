//! A heap in many pieces, and one whose free pages go back all the time.

use osmem::alloc::{Allocator, Failure};
use osmem::block::Compact;
use osmem::check::check;
use osmem::policy::Policy;
use osmem::sys::sim::Sim;

/// The largest request that the preallocation serves. Bytes.
const HEAP: usize = 131_032;

/// More foreign breaks than a table of segments has room for.
#[test]
fn blocks_between_thousands_of_foreign_breaks_are_found_and_nothing_else_is() {
    let mut allocator: Allocator<Sim> = Allocator::new(Sim::new());
    allocator.malloc(HEAP).unwrap();
    let mut blocks = Vec::new();
    for _ in 0..3000 {
        assert!(allocator.sys().move_break_as_foreigner(48));
        blocks.push([allocator.malloc(200).unwrap(), allocator.malloc(40).unwrap()]);
    }
    assert_eq!(check(&allocator), Ok(()));
    for [first, second] in &blocks {
        assert_eq!([allocator.usable_size(*first), allocator.usable_size(*second)], [200, 40]);
        for wrong in [first.wrapping_add(8), first.wrapping_sub(8), second.wrapping_add(64), second.wrapping_add(80)] {
            assert_eq!(allocator.realloc(wrong, 10), Err(Failure::NotABlock));
            assert!(!allocator.try_free(wrong));
        }
        assert!(allocator.try_free(*second) && !allocator.try_free(*second));
    }
    assert!(allocator.sys().foreign_is_intact());
    assert_eq!(check(&allocator), Ok(()));
}

/// Blocks that wait to be merged have marks in their payloads, and merged ones have records there.
#[test]
fn giving_all_free_pages_back_keeps_the_heap_whole_whatever_was_freed_before() {
    const SIZES: [usize; 9] = [16, 16, 16, 48, 500, 1100, 2000, 20_000, 40_000];
    let merging = Policy { defers: 0, ..Policy::PADDED };
    for policy in [Policy::PADDED, Policy { defers: 1, ..Policy::PADDED }, merging] {
        for seed in 1..40_u32 {
            let mut allocator: Allocator<Sim, Compact<16>> = Allocator::with_policy(Sim::new(), policy);
            let mut state = seed;
            let mut dice = |sides: usize| {
                state = state.wrapping_mul(1_103_515_245).wrapping_add(12345);
                (state >> 8) as usize % sides
            };
            let mut live = Vec::new();
            for _ in 0..400 {
                match dice(10) {
                    0..5 => live.push(allocator.malloc(SIZES[dice(SIZES.len())]).unwrap()),
                    5..9 if !live.is_empty() => assert!(allocator.try_free(live.swap_remove(dice(live.len())))),
                    9 => _ = allocator.trim(dice(2) * 5000),
                    _ => {}
                }
                assert_eq!(check(&allocator), Ok(()), "seed {seed}");
            }
            for block in live {
                assert!(allocator.try_free(block));
            }
            allocator.trim(0);
            assert_eq!(check(&allocator), Ok(()), "seed {seed}");
            assert_eq!(allocator.stats().free_blocks, 1, "all is one block again");
        }
    }
}
