//! Each invariant broken on purpose: `check` must say which one.
#![expect(unsafe_code, reason = "breaks headers as a stray write would")]

use osmem::alloc::Allocator;
use osmem::check::check;
use osmem::size::HEADER;
use osmem::sys::sim::Sim;

const SIZE: usize = 0;
const STATUS: usize = 8;
const PREV: usize = 16;
const NEXT: usize = 24;

/// What `check` says of a sound allocator with three blocks on the heap and two mappings, after `value` was written at
/// `field` of the header of `block` (of these five).
fn smashed(block: usize, field: usize, value: usize) -> Result<(), &'static str> {
    let mut allocator = Allocator::new(Sim::new());
    let payloads = [100, 200, 300, 200_000, 300_000].map(|bytes| allocator.malloc(bytes).unwrap_or_default());
    allocator.free(payloads[2]);
    assert_eq!(check(&allocator), Ok(()));
    assert_eq!((allocator.heap_blocks().count(), allocator.mapped_blocks().count()), (4, 2));
    // SAFETY: the header's fields lie right before the payload.
    unsafe {
        payloads[block].sub(HEADER - field).cast::<usize>().write(value);
    }
    check(&allocator).map_err(|broken| broken.invariant)
}

#[test]
fn a_size_that_reaches_into_the_next_block_breaks_h2() {
    assert_eq!(smashed(0, SIZE, 112), Err("H2"));
}

#[test]
fn a_link_out_of_the_heap_breaks_h2_and_is_not_followed() {
    assert_eq!(smashed(1, NEXT, 8), Err("H2"));
    assert_eq!(smashed(1, NEXT, usize::MAX), Err("H2"));
}

#[test]
fn an_impossible_size_breaks_h3() {
    for size in [0, 107, usize::MAX, usize::MAX - 7] {
        assert_eq!(smashed(1, SIZE, size), Err("H3"), "size {size}");
    }
}

#[test]
fn an_impossible_status_breaks_h4() {
    assert_eq!(smashed(1, STATUS, 2), Err("H4"), "MAPPED on the heap");
    assert_eq!(smashed(1, STATUS, 77), Err("H4"));
    assert_eq!(smashed(3, STATUS, 1), Err("H4"), "ALLOC among the mappings");
}

#[test]
fn a_broken_link_breaks_h6() {
    assert_eq!(smashed(1, PREV, 0), Err("H6"));
    assert_eq!(smashed(1, NEXT, 0), Err("H6"), "the heap's list ends early");
}

#[test]
fn a_mapping_that_reaches_over_the_heap_breaks_h7() {
    let huge = isize::MAX.unsigned_abs() & !7;
    // Whichever of the two lies lower reaches over the other.
    assert!([3, 4].map(|block| smashed(block, SIZE, huge)).contains(&Err("H7")));
}

#[test]
fn a_mapping_that_is_lost_breaks_h6() {
    let mut allocator = Allocator::new(Sim::new());
    let payloads = [200_000, 300_000].map(|bytes| allocator.malloc(bytes).unwrap_or_default());
    assert_eq!(check(&allocator), Ok(()));
    // One of the two hangs below the other, on the one side or the other: of their four links one leads somewhere.
    // SAFETY: the header's fields lie right before the payload.
    let links = payloads.map(|payload| [PREV, NEXT].map(|link| unsafe { payload.sub(HEADER - link).cast::<usize>() }));
    // SAFETY: as above.
    let used: Vec<_> = links.as_flattened().iter().filter(|link| unsafe { link.read() } != 0).collect();
    assert_eq!(used.len(), 1);
    // SAFETY: as above.
    unsafe { used[0].write(0) };
    assert_eq!(check(&allocator).map_err(|broken| broken.invariant), Err("H6"));
}

#[test]
fn what_does_not_fit_the_index_breaks_h9() {
    assert_eq!(smashed(0, STATUS, 1), Err("H9"), "an owned block without its tag");
    assert_eq!(smashed(2, STATUS, 0), Err("H9"), "a block that is to be merged, marked as if it were");
    let note = (8 << 32) | 8; // no place of a block
    assert_eq!(smashed(2, STATUS, note & !u32::MAX as usize), Err("H9"), "a link between pending blocks leads astray");
    assert_eq!(smashed(2, HEADER, 8), Ok(()), "a payload that no search has seen holds nothing");
}

#[test]
fn a_write_into_a_block_that_a_search_has_seen_breaks_h9() {
    let mut allocator = Allocator::new(Sim::new());
    let payloads = [100, 200, 300].map(|bytes| allocator.malloc(bytes).unwrap_or_default());
    allocator.free(payloads[1]);
    assert!(allocator.malloc(400).is_ok());
    assert_eq!(check(&allocator), Ok(()));
    // SAFETY: the payload of a free block, where the links of the index are now.
    unsafe { payloads[1].cast::<usize>().write(8) };
    assert_eq!(check(&allocator).map_err(|broken| broken.invariant), Err("H9"));
}

#[test]
fn a_break_below_the_heap_breaks_h5() {
    let mut allocator = Allocator::new(Sim::new());
    allocator.malloc(1).expect("there is room");
    allocator.sys().move_break_as_foreigner(-8);
    assert_eq!(check(&allocator).map_err(|broken| broken.invariant), Err("H5"));
}
