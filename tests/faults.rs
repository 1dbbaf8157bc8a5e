//! Every answer of the system refused once, in every scenario; and a break that someone else moves.

mod shadow;

use osmem::alloc::{Allocator, Failure};
use osmem::block::{Compact, Full, Header};
use osmem::check::check;
use osmem::policy::Policy;
use osmem::size::{HEADER, PREALLOCATION, Request};
use osmem::sys::Sys;
use osmem::sys::sim::{Call, Sim};
use shadow::Shadow;
use std::ptr;

/// The largest heap request, and the smallest mapped one.
const HEAP: usize = 131_032;
const MAPPED: usize = 131_033;

/// Null where the request was refused; every further step must put up with that.
fn malloc(shadow: &mut Shadow, bytes: usize) -> *mut u8 {
    shadow.malloc(bytes).unwrap_or(ptr::null_mut())
}

/// The pointer that is valid afterwards.
fn realloc(shadow: &mut Shadow, payload: *mut u8, bytes: usize) -> *mut u8 {
    shadow.realloc(payload, bytes).unwrap_or(payload)
}

type Scenario = fn(&mut Shadow);

const SCENARIOS: &[(&str, Scenario)] = &[
    ("preallocation by malloc", |shadow| {
        malloc(shadow, 100);
        malloc(shadow, 200);
    }),
    ("preallocation by calloc", |shadow| {
        _ = shadow.calloc(10, 10);
        _ = shadow.calloc(10, 20);
    }),
    ("preallocation by realloc of a mapping", |shadow| {
        let mapped = malloc(shadow, MAPPED);
        realloc(shadow, mapped, 100);
    }),
    ("growth by a whole block", |shadow| {
        for _ in 0..4 {
            malloc(shadow, HEAP);
        }
    }),
    ("growth of the free last block", |shadow| {
        let first = malloc(shadow, 100_000);
        malloc(shadow, 100_000);
        shadow.free(first);
        malloc(shadow, 110_000);
        _ = shadow.calloc(1, 4000);
    }),
    ("the last block extended", |shadow| {
        malloc(shadow, 1000);
        let last = malloc(shadow, HEAP);
        let last = realloc(shadow, last, 50_000);
        let last = realloc(shadow, last, HEAP);
        let other = malloc(shadow, 120_000);
        shadow.free(last);
        realloc(shadow, other, HEAP);
    }),
    ("absorbed, not enough, moved by growth", |shadow| {
        let blocks = [1000, 1000, 1000, 1000].map(|bytes| malloc(shadow, bytes));
        malloc(shadow, 126_000);
        shadow.free(blocks[1]);
        shadow.free(blocks[2]);
        realloc(shadow, blocks[0], 4000);
    }),
    ("heap to mapping and back", |shadow| {
        let block = malloc(shadow, 1000);
        let block = realloc(shadow, block, 200_000);
        let block = realloc(shadow, block, 250_000);
        realloc(shadow, block, 10);
    }),
    ("mappings made and given back", |shadow| {
        let blocks = [MAPPED, 140_000, 150_000].map(|bytes| malloc(shadow, bytes));
        _ = shadow.calloc(1, 5000);
        for block in blocks {
            shadow.free(block);
        }
    }),
    ("beyond a foreign break", |shadow| {
        malloc(shadow, 100_000);
        shadow.allocator.sys().move_break_as_foreigner(13);
        let beyond = malloc(shadow, 100_000);
        realloc(shadow, beyond, 110_000);
        shadow.allocator.sys().move_break_as_foreigner(8);
        realloc(shadow, beyond, 120_000);
        malloc(shadow, 130_000);
    }),
    ("aligned, on the heap and mapped", |shadow| {
        let blocks = [(64, 1000), (4096, 100), (256, 200_000), (1 << 16, 250_000)];
        for (alignment, bytes) in blocks {
            let block = shadow.aligned(alignment, bytes).unwrap_or(ptr::null_mut());
            realloc(shadow, block, bytes + 5000);
        }
    }),
];

#[test]
fn any_one_refusal_leaves_the_heap_usable_and_every_payload_intact() {
    let merging = Policy { defers: 0, spares_top: false, adaptive: false, ..Policy::PADDED };
    let bare = Policy { leaps: false, stands_in: false, remap: false, ..Policy::PADDED };
    for policy in [Policy::EXACT, Policy::PADDED, merging, bare] {
        for (name, scenario) in SCENARIOS {
            every_refusal(policy, name, *scenario);
        }
    }
}

/// Refuses the first answer of the system in the one run of the scenario, the second one in the next, and so on.
fn every_refusal(policy: Policy, name: &str, scenario: Scenario) {
    let mut refusals = 0;
    loop {
        let mut shadow = Shadow::<Full>::with_policy(Sim::new(), policy);
        shadow.allocator.sys().refuse(refusals + 1);
        scenario(&mut shadow);
        if shadow.allocator.sys().will_refuse() {
            break; // so many answers are not asked for
        }
        refusals += 1;
        for freed in shadow.freed() {
            shadow.free(freed);
            assert_eq!(shadow.realloc(freed, 50), Err(Failure::NotABlock), "{name}: freed stays freed");
        }
        for bytes in [1, 500, HEAP, MAPPED] {
            assert!(!malloc(&mut shadow, bytes).is_null(), "{name}: usable after refusal {refusals}");
        }
        shadow.finish();
    }
    assert!(refusals > 0, "{name}: asks the system at least once");
}

/// A fresh allocator over a simulated system.
fn fresh() -> Allocator<Sim> {
    Allocator::new(Sim::new())
}

#[test]
fn a_refused_preallocation_is_tried_again_by_the_next_heap_request_only() {
    let mut allocator = fresh();
    allocator.sys().refuse(1);
    assert_eq!(allocator.malloc(100), Err(Failure::OutOfMemory));
    assert!(allocator.malloc(MAPPED).is_ok());
    assert!(allocator.malloc(100).is_ok());
    assert!(allocator.malloc(100).is_ok());
    let calls = allocator.sys().take_calls();
    let moves: Vec<_> = calls.iter().filter(|call| matches!(call, Call::MoveBreak { .. })).collect();
    let [Call::MoveBreak { by: first, from: None }, Call::MoveBreak { by: second, from: Some(_) }] = moves[..] else {
        panic!("one refused and one granted move: {calls:?}");
    };
    assert_eq!([*first, *second], [PREALLOCATION; 2]);
}

#[test]
fn a_refused_extension_of_the_last_block_is_not_tried_another_way() {
    let mut allocator = fresh();
    allocator.malloc(1000).unwrap();
    let last = allocator.malloc(131_040 - 1000 - HEADER).unwrap();
    allocator.sys().take_calls();
    allocator.sys().refuse(1);
    assert_eq!(allocator.realloc(last, HEAP), Err(Failure::OutOfMemory));
    let missing = HEAP - (131_040 - 1000 - HEADER);
    assert_eq!(allocator.sys().take_calls(), [Call::MoveBreak { by: missing, from: None }], "one move, no search");
    assert_eq!(allocator.realloc(last, HEAP), Ok(last), "R12 (a): the same pointer, once there is room");
}

#[test]
fn a_refused_unmapping_is_forgotten() {
    let mut allocator = fresh();
    let mapped = allocator.malloc(MAPPED).unwrap();
    allocator.sys().refuse(1);
    allocator.free(mapped);
    assert_eq!(allocator.mapped_blocks().count(), 0);
    assert_eq!(allocator.realloc(mapped, 10), Err(Failure::NotABlock));
    assert_eq!(check(&allocator), Ok(()));
}

#[test]
fn growth_begins_beyond_a_foreign_break_aligned_and_apart() {
    for by in [1, 7, 8, 100, 4096] {
        let mut allocator = fresh();
        let first = allocator.malloc(HEAP).unwrap();
        let end = allocator.sys().current_break();
        assert!(allocator.sys().move_break_as_foreigner(by));
        let beyond = allocator.malloc(1000).unwrap();
        let start = (end + by.unsigned_abs()).next_multiple_of(8);
        assert_eq!(beyond.addr(), start + HEADER, "foreign move by {by}");
        let need = Request::new(1000).unwrap().need();
        assert_eq!(allocator.sys().current_break(), start + need, "R7: exactly what is needed, behind the padding");

        allocator.free(first);
        allocator.free(beyond);
        assert!(allocator.malloc(8).is_ok());
        let sizes: Vec<usize> = allocator.heap_blocks().map(|block| block.size).collect();
        assert_eq!(sizes, [131_040, 8, 1000 - 8 - HEADER], "never merged across the gap: the best fit is beyond it");
        assert!(allocator.sys().foreign_is_intact());
    }
}

#[test]
fn the_first_break_may_be_unaligned() {
    let mut allocator = fresh();
    allocator.sys().move_break_as_foreigner(3);
    assert_eq!(allocator.malloc(1).unwrap().addr() % 8, 0);
    let calls = allocator.sys().take_calls();
    let is_padded = matches!(calls[..], [Call::MoveBreak { by, .. }] if by == 5 + PREALLOCATION);
    assert!(is_padded, "R4: the padding and the preallocation: {calls:?}");
    let total: usize = allocator.heap_blocks().map(|block| HEADER + block.size).sum();
    assert_eq!(total, PREALLOCATION, "the padding is not taken from the preallocation");
}

#[test]
fn growth_at_an_unaligned_break_is_the_need_and_the_padding() {
    let mut allocator = fresh();
    allocator.malloc(HEAP).unwrap();
    allocator.sys().move_break_as_foreigner(61);
    allocator.sys().take_calls();
    allocator.malloc(1000).unwrap();
    let calls = allocator.sys().take_calls();
    let is_padded = matches!(calls[..], [Call::MoveBreak { by, .. }] if by == 3 + HEADER + 1000);
    assert!(is_padded, "R16: {calls:?}");
}

#[test]
fn what_a_block_absorbed_before_a_refusal_stays_absorbed() {
    let mut allocator = fresh();
    let [block, next, _guard] = [1000, 1000, HEAP - 2 * 1032 - HEADER].map(|bytes| allocator.malloc(bytes).unwrap());
    allocator.free(next);
    allocator.sys().refuse(1);
    assert_eq!(allocator.realloc(block, 4000), Err(Failure::OutOfMemory));
    assert_eq!(allocator.usable_size(block), 2032, "R15: with the header of what was absorbed");
    assert_eq!(allocator.realloc(block, 2032), Ok(block), "and it may be used");
    assert_eq!(check(&allocator), Ok(()));
}

#[test]
fn the_last_block_is_not_extended_into_foreign_bytes() {
    let mut allocator = fresh();
    let last = allocator.malloc(HEAP).unwrap();
    let end = allocator.sys().current_break();
    allocator.sys().move_break_as_foreigner(64);
    allocator.free(last);
    let last = allocator.malloc(HEAP - 40).unwrap();
    let moved = allocator.realloc(last, HEAP).unwrap();
    assert_eq!(moved, last, "R12 (b): the free remainder behind it is absorbed");

    let last = allocator.malloc(1000).unwrap();
    assert_eq!(last.addr(), end + 64 + HEADER);
    allocator.sys().move_break_as_foreigner(64);
    let moved = allocator.realloc(last, 1008).unwrap();
    assert_eq!(moved.addr(), end + 64 + HEADER + 1000 + 64 + HEADER, "R12 (c): moved beyond the foreign bytes");
    assert!(allocator.sys().foreign_is_intact());
    assert_eq!(check(&allocator), Ok(()));
}

#[test]
fn a_break_that_comes_back_leaves_no_gap() {
    let mut allocator = fresh();
    allocator.malloc(HEAP).unwrap();
    let end = allocator.sys().current_break();
    allocator.sys().move_break_as_foreigner(500);
    allocator.sys().move_break_as_foreigner(-500);
    assert_eq!(allocator.malloc(HEAP).unwrap().addr(), end + HEADER);
}

#[test]
fn with_the_break_below_the_heap_nothing_grows_but_what_is_left_is_used() {
    let mut allocator = fresh();
    let block = allocator.malloc(1000).unwrap();
    let last = allocator.malloc(131_040 - 1000 - HEADER).unwrap();
    allocator.sys().move_break_as_foreigner(-16);
    allocator.sys().take_calls();
    assert_eq!(allocator.malloc(2000), Err(Failure::OutOfMemory));
    assert_eq!(allocator.realloc(last, HEAP), Err(Failure::OutOfMemory));
    assert_eq!(allocator.sys().take_calls(), [], "the system is not even asked");
    allocator.free(block);
    assert_eq!(allocator.malloc(1000), Ok(block));
}

/// Both parties may hold the bytes of such a move for theirs: they are left alone, and the heap goes on behind them (R16).
#[test]
fn a_break_moved_in_the_same_moment_is_a_foreign_break() {
    let mut allocator = fresh();
    allocator.sys().race(16);
    let first = allocator.malloc(HEAP).unwrap();
    assert_eq!(allocator.sys().take_calls().len(), 2, "R4: the first move is left alone");
    allocator.sys().race(16);
    let second = allocator.malloc(100).unwrap();
    assert!(second > first.wrapping_add(HEAP + 100), "R7: behind what the disturbed move gave");
    allocator.sys().race(16);
    let moved = allocator.realloc(second, 200).unwrap();
    assert!(moved > second.wrapping_add(200), "R12 (c) instead of (a)");
    assert_eq!(check(&allocator), Ok(()));
    assert!(allocator.sys().foreign_is_intact());
    for block in [first, moved] {
        allocator.free(block);
    }
    assert_eq!(check(&allocator), Ok(()));
}

/// A break that is moved again and again in the very moment of ours.
#[test]
fn a_break_that_never_rests_is_a_refusal() {
    let mut allocator = fresh();
    allocator.malloc(HEAP).unwrap();
    allocator.sys().race_for(100, 16);
    assert_eq!(allocator.malloc(100), Err(Failure::OutOfMemory));
    assert!(allocator.sys().take_calls().len() < 20, "it gives up");
    allocator.sys().race_for(0, 0);
    assert!(allocator.malloc(100).is_ok());
    assert_eq!(check(&allocator), Ok(()));
}

/// The layouts' own spans are 32 GiB and more; a policy can only make them smaller.
#[test]
fn growth_beyond_the_span_is_refused_without_asking_and_what_is_there_stays_usable() {
    const SPAN: usize = 1 << 20;
    for policy in [Policy { span: SPAN, ..Policy::EXACT }, Policy { span: SPAN, leaps: true, ..Policy::PADDED }] {
        let mut allocator: Allocator<Sim, Compact<16>> = Allocator::with_policy(Sim::new(), policy);
        let mut blocks = Vec::new();
        while let Ok(block) = allocator.malloc(1000) {
            if !allocator.heap_blocks().any(|seen| seen.payload == block.addr()) {
                allocator.free(block); // a mapping, where the policy gives one to what does not fit
                break;
            }
            blocks.push(block);
        }
        let total: usize = allocator.heap_blocks().map(|block| Compact::<16>::BYTES + block.size).sum();
        assert!((SPAN - 2048..SPAN).contains(&total), "{total} bytes of {SPAN}");
        assert_eq!(allocator.malloc(1000).is_err(), policy == Policy { span: SPAN, ..Policy::EXACT });
        let moves = allocator.sys().take_calls().into_iter().filter(|call| matches!(call, Call::MoveBreak { .. }));
        assert!(
            moves.clone().count() > 0
                && moves.into_iter().all(|call| matches!(call, Call::MoveBreak { from: Some(_), .. }))
        );
        assert!(allocator.malloc(2 * MAPPED).is_ok(), "mappings are not the heap's");
        allocator.free(blocks[10]);
        assert_eq!(allocator.malloc(1000), Ok(blocks[10]));
        assert_eq!(check(&allocator), Ok(()));
    }
}

#[test]
fn where_the_break_cannot_move_the_heap_goes_on_elsewhere_if_the_policy_says_so() {
    let mut allocator: Allocator<Sim> = Allocator::with_policy(Sim::with(4096, 8 << 20, 1 << 20), Policy::PADDED);
    let first = allocator.malloc(1000).unwrap();
    allocator.sys().refuse(1); // the padded attempt; the exact one comes next
    let block = allocator.malloc(120_000).unwrap();
    assert!(block > first);
    allocator.sys().refuse_kind(true, false);
    let mut blocks = (0..4).map(|_| allocator.malloc(100_000).unwrap()).collect::<Vec<_>>(); // more than there is
    let mapped = blocks.pop().unwrap();
    assert!(allocator.mapped_blocks().any(|seen| seen.payload == mapped.addr()), "no room in the heap: a mapping");
    allocator.sys().refuse_kind(true, true);
    assert_eq!(allocator.malloc(100_000), Err(Failure::OutOfMemory));
    allocator.free(mapped);
    assert_eq!(check(&allocator), Ok(()));
}

/// Where a block waits to be merged depends on its size, which must not change meanwhile.
#[test]
fn the_end_of_the_heap_may_grow_while_it_is_still_to_be_merged() {
    let policy = Policy { mmap_threshold: usize::MAX, ..Policy::PADDED };
    let mut allocator: Allocator<Sim, Compact<16>> = Allocator::with_policy(Sim::new(), policy);
    allocator.malloc(16).unwrap();
    let top = allocator.stats().top_bytes;
    allocator.malloc(top - 2032).unwrap(); // leaves 2016 bytes and their header
    let block = allocator.malloc(992).unwrap();
    let last = allocator.malloc(allocator.stats().top_bytes).unwrap();
    let size = allocator.usable_size(last);
    assert!(size <= 1024 && allocator.stats().top_bytes == 0, "{size}: a small block ends the heap");
    allocator.free(last);
    assert_eq!(allocator.realloc(block, 10_000), Ok(block), "with more than the free block behind it has");
    assert_eq!(check(&allocator), Ok(()));
    let other = allocator.malloc(size).unwrap();
    assert!(other > block.wrapping_add(10_000), "the free block is part of the one that grew");
    assert_eq!(check(&allocator), Ok(()));
}
