//! The functions beyond the contract's four, from Rust: whatever was called before, walk, check and figures agree.
#![expect(unsafe_code, reason = "calls the C face and touches what it returns")]

use libc::{c_int, c_void};
use osmem::alloc::Stats;
use osmem::ffi::{self, BlockSeen};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{io, mem, ptr, slice, thread};

/// The tests share the process's one heap.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The blocks that a walk shows.
fn walk() -> Vec<BlockSeen> {
    unsafe extern "C" fn note(block: *const BlockSeen, seen: *mut c_void) -> c_int {
        // SAFETY: what `os_heap_walk` shows, and the vector that it was given below.
        unsafe { (*seen.cast::<Vec<BlockSeen>>()).push(*block) };
        0
    }
    let mut seen = Vec::new();
    // SAFETY: the function returns, and takes what it is given.
    assert_eq!(unsafe { ffi::os_heap_walk(Some(note), (&raw mut seen).cast()) }, 0);
    seen
}

/// What the figures must be after `walk`, headers of mappings and heap left to the caller.
fn counted(seen: &[BlockSeen]) -> Stats {
    let sum = |status| {
        let blocks = seen.iter().filter(|block| block.status == status);
        (blocks.clone().map(|block| block.size).sum::<usize>(), blocks.count())
    };
    let ((free_bytes, free_blocks), (used_bytes, used_blocks), (mapped, mapped_blocks)) = (sum(0), sum(1), sum(2));
    let last = seen.iter().rfind(|block| block.status != 2).filter(|block| block.status == 0);
    Stats {
        heap_bytes: free_bytes + used_bytes + 32 * (free_blocks + used_blocks),
        used_bytes,
        used_blocks,
        free_bytes,
        free_blocks,
        mapped_bytes: mapped + 32 * mapped_blocks,
        mapped_blocks,
        top_bytes: last.map_or(0, |block| block.size),
    }
}

/// Walk, check and figures agree with one another and with who owns what.
fn assert_agreement(owned: &[(*mut c_void, usize)]) {
    assert_eq!(ffi::os_heap_check(), 0);
    let seen = walk();
    let stats = ffi::os_stats();
    let expected = counted(&seen);
    assert_eq!(Stats { mapped_bytes: expected.mapped_bytes, ..stats }, expected);
    // An alignment may need a page in front.
    assert!((expected.mapped_bytes..=expected.mapped_bytes + 4096 * stats.mapped_blocks).contains(&stats.mapped_bytes));
    assert_eq!(stats.used_blocks + stats.mapped_blocks, owned.len());
    let key = |block: &BlockSeen| (block.status == 2, block.payload);
    assert!(seen.is_sorted_by_key(key), "{seen:?}");
    for (payload, size) in owned {
        let block = seen.iter().find(|block| block.payload == *payload && block.status != 0);
        assert!(block.is_some_and(|block| block.size >= *size && block.size == ffi::os_malloc_usable_size(*payload)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn walk_check_and_figures_agree(
        calls in vec((0..5_u8, any::<prop::sample::Index>(), prop_oneof![1..300_usize, 1..200_000_usize], 0..14_u32), 1..60)
    ) {
        let _alone = alone();
        let mut owned: Vec<(*mut c_void, usize)> = Vec::new();
        for (call, which, size, power) in calls {
            let alignment = 1 << power;
            let block = match call {
                0 => ffi::os_malloc(size),
                1 => ffi::os_calloc(1, size),
                2 => ffi::os_aligned_alloc(alignment, size),
                _ if owned.is_empty() => continue,
                3 => {
                    let (old, _) = owned.swap_remove(which.index(owned.len()));
                    // SAFETY: a live block, which is not used any more.
                    unsafe { ffi::os_realloc(old, size) }
                }
                _ => {
                    let (old, _) = owned.swap_remove(which.index(owned.len()));
                    // SAFETY: as above.
                    unsafe { ffi::os_free(old) };
                    assert_agreement(&owned);
                    continue;
                }
            };
            assert!(!block.is_null() && block.addr().is_multiple_of(if call == 2 { alignment } else { 8 }));
            // SAFETY: a live block of at least this size; all that there is room for may be used.
            unsafe { block.cast::<u8>().write_bytes(0xa5, ffi::os_malloc_usable_size(block)) };
            owned.push((block, size));
            assert_agreement(&owned);
        }
        for (block, _) in owned {
            // SAFETY: a live block, which is not used any more.
            unsafe { ffi::os_free(block) };
        }
        assert_agreement(&[]);
    }
}

#[test]
fn nothing_but_a_live_block_has_a_usable_size() {
    let _alone = alone();
    let (block, mapped) = (ffi::os_malloc(100), ffi::os_malloc(200_000));
    assert_eq!([block, mapped].map(|block| ffi::os_malloc_usable_size(block)), [104, 200_000]);
    let local = 0_u64;
    let wrong = [
        ptr::null(),
        ptr::without_provenance(8),
        ptr::without_provenance(usize::MAX),
        (&raw const local).cast(),
        block.wrapping_byte_add(8).cast_const(),
        block.wrapping_byte_add(1).cast_const(),
        mapped.wrapping_byte_add(4096).cast_const(),
    ];
    assert_eq!(wrong.map(|pointer| ffi::os_malloc_usable_size(pointer)), [0; 7]);
    for block in [block, mapped] {
        // SAFETY: a live block, which is not used any more.
        unsafe { ffi::os_free(block) };
        assert_eq!(ffi::os_malloc_usable_size(block), 0);
    }
}

#[test]
fn a_walk_without_a_callback_is_an_error() {
    // SAFETY: there is nothing to call.
    assert_eq!(unsafe { ffi::os_heap_walk(None, ptr::null_mut()) }, -1);
    assert_eq!(io::Error::last_os_error().raw_os_error(), Some(libc::EINVAL));
}

/// Calls inside a walk are refused to the thread that walks, and to no other.
#[test]
fn threads_allocate_while_others_walk() {
    unsafe extern "C" fn refused(block: *const BlockSeen, calls: *mut c_void) -> c_int {
        let null = ffi::os_malloc(10).is_null();
        let is_deadlock = io::Error::last_os_error().raw_os_error() == Some(libc::EDEADLK);
        assert!(null && is_deadlock && ffi::os_heap_check() == -1 && ffi::os_stats() == Stats::default());
        // SAFETY: what `os_heap_walk` shows, and the number that it was given below.
        unsafe {
            assert!((*block).size > 0 && !(*block).payload.is_null());
            *calls.cast::<usize>() += 1;
        }
        0
    }
    let _alone = alone();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..2 {
            let stop = &stop;
            scope.spawn(move || {
                let mut blocks = [ptr::null_mut(); 16];
                let mut round = number;
                while !stop.load(Ordering::Relaxed) {
                    round += 1;
                    let size = 1 + round * 37 % 3000;
                    let block = ffi::os_aligned_alloc(64, size);
                    assert!(!block.is_null(), "only who walks is refused");
                    // SAFETY: a live block of this size.
                    assert!(unsafe { slice::from_raw_parts(block.cast::<u8>(), size) }.len() == size);
                    let old = mem::replace(&mut blocks[round % 16], block);
                    // SAFETY: a live block, which is not used any more, or null.
                    unsafe { ffi::os_free(old) };
                }
                // SAFETY: as above.
                blocks.into_iter().for_each(|block| unsafe { ffi::os_free(block) });
            });
        }
        for _ in 0..300 {
            let mut calls = 0_usize;
            // SAFETY: the function returns, and takes what it is given.
            assert_eq!(unsafe { ffi::os_heap_walk(Some(refused), (&raw mut calls).cast()) }, 0);
            assert_eq!(ffi::os_heap_check(), 0);
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_agreement(&[]);
}
