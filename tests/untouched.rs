//! O10: a freed payload stays as it was until the next search, however many there are and however blocks grow meanwhile.
#![expect(unsafe_code, reason = "reads payloads after they were freed, as checkers of courses do")]

use osmem::alloc::Allocator;
use osmem::check::check;
use osmem::sys::sim::Sim;
use std::slice;

/// A block of `bytes` bytes that holds `byte` throughout.
fn filled(allocator: &mut Allocator<Sim>, bytes: usize, byte: u8) -> *mut u8 {
    let payload = allocator.malloc(bytes).unwrap_or_default();
    // SAFETY: a payload of `bytes` bytes that was just handed out.
    unsafe { payload.write_bytes(byte, bytes) };
    payload
}

fn holds(payload: *mut u8, bytes: usize, byte: u8) -> bool {
    // SAFETY: memory of the simulated system, which is never given back.
    unsafe { slice::from_raw_parts(payload, bytes) }.iter().all(|is| *is == byte)
}

#[test]
fn a_freed_payload_stays_as_it_was_until_the_next_search() {
    for bytes in [1, 8, 16, 100, 1000, 40_000] {
        let mut allocator = Allocator::new(Sim::new());
        let payloads = [1, 2, 3].map(|byte| filled(&mut allocator, bytes, byte));
        allocator.free(payloads[1]);
        assert!(allocator.malloc(200_000).is_ok(), "a mapping is no search");
        allocator.free(payloads[0]);
        allocator.free(payloads[0]);
        allocator.free(payloads[2]);
        let untouched = [1, 2, 3].map(|byte| holds(payloads[usize::from(byte) - 1], bytes, byte));
        assert_eq!(untouched, [true; 3], "{bytes} bytes each");
    }
}

#[test]
fn the_old_place_of_a_block_that_moves_stays_as_it_was() {
    let mut allocator = Allocator::new(Sim::new());
    let [old, _guard] = [1, 2].map(|byte| filled(&mut allocator, 100, byte));
    let new = allocator.realloc(old, 1000).unwrap_or_default();
    assert!(new != old && holds(old, 100, 1) && holds(new, 100, 1));
    let mapped = allocator.realloc(new, 200_000).unwrap_or_default();
    assert!(holds(new, 100, 1) && holds(mapped, 100, 1));
    assert_eq!(check(&allocator), Ok(()));
}

#[test]
fn what_a_block_gives_up_when_it_shrinks_stays_as_it_was_behind_its_header() {
    let mut allocator = Allocator::new(Sim::new());
    let [block, _guard] = [1, 2].map(|byte| filled(&mut allocator, 1000, byte));
    assert_eq!(allocator.realloc(block, 100), Ok(block));
    // SAFETY: inside the old block.
    assert!(holds(block, 104, 1) && holds(unsafe { block.add(104 + 32) }, 1000 - 136, 1));
}

/// Each block grows into the one behind it, which was freed; no other payload is written to.
#[test]
fn blocks_that_grow_leave_other_freed_payloads_alone() {
    const PAIRS: usize = 20_000;
    let mut allocator = Allocator::new(Sim::with(4096, 16 << 20, 1 << 20));
    let pairs: Vec<_> = (0..PAIRS).map(|_| [1, 2].map(|byte| filled(&mut allocator, 40, byte))).collect();
    pairs.iter().for_each(|[_, freed]| allocator.free(*freed));
    for (index, [block, _]) in pairs.iter().enumerate() {
        assert_eq!(allocator.realloc(*block, 80), Ok(*block));
        assert!(pairs.get(index + 1).is_none_or(|[_, freed]| holds(*freed, 40, 2)));
    }
    assert!(pairs.iter().all(|[block, _]| holds(*block, 40, 1)));
    assert_eq!(check(&allocator), Ok(()));
    assert_eq!(allocator.stats().free_blocks, 1);
}
