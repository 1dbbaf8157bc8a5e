//! Sizes at every edge there is, for all four calls: what comes back, and what becomes of errno.
#![expect(unsafe_code, reason = "calls the C face and touches what it returns")]

use libc::c_void;
use osmem::alloc::{Allocator, Failure};
use osmem::check::check;
use osmem::ffi::{os_calloc, os_free, os_malloc, os_realloc};
use osmem::sys::sim::Sim;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{io, ptr, slice};

const PTRDIFF_MAX: usize = isize::MAX.unsigned_abs();
/// Up to here a request must succeed on any machine; above, the system may refuse.
const MODEST: usize = 1 << 20;
/// A value of errno that nothing here sets.
const KEPT: i32 = 77;

/// The tests share the process's one allocator; a freed pointer stays free only as long as nobody else allocates.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every edge, and the sizes next to it.
fn sizes() -> Vec<usize> {
    let edges = [
        0,
        8,
        40,
        4096 - 32,
        4096,
        (128 << 10) - 32,
        128 << 10,
        MODEST - 16,
        1 << 31,
        1 << 32,
        1 << 47,
        1 << 62,
        PTRDIFF_MAX - 32,
        PTRDIFF_MAX,
        PTRDIFF_MAX + 40,
        usize::MAX - 40,
        usize::MAX,
    ];
    let mut sizes: Vec<usize> =
        edges.iter().flat_map(|edge| (0..=16).map(|more| edge.wrapping_add(more).wrapping_sub(8))).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// Numbers of elements and sizes of one, whose products reach all edges in more than one way.
fn factors() -> Vec<usize> {
    let powers = (0..64).step_by(4).map(|bits| 1_usize << bits);
    let mut factors: Vec<usize> = powers.flat_map(|power| [power - 1, power, power + 1]).collect();
    factors.extend([
        3,
        4056,
        4057,
        131_032,
        131_033,
        u32::MAX as usize,
        PTRDIFF_MAX,
        PTRDIFF_MAX + 1,
        usize::MAX - 1,
        usize::MAX,
    ]);
    factors
}

/// Runs one call of the C face; also returns errno, which was [`KEPT`] before.
fn with_errno(call: impl FnOnce() -> *mut c_void) -> (*mut c_void, i32) {
    // SAFETY: this thread's own errno.
    unsafe { *libc::__errno_location() = KEPT };
    let payload = call();
    (payload, io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

/// What the rules promise of a request for `bytes` bytes (`None`: it overflows); frees what it got.
fn judge(name: &str, bytes: Option<usize>, (payload, errno): (*mut c_void, i32)) {
    let refused = payload.is_null() && errno == libc::ENOMEM;
    let granted = !payload.is_null() && errno == KEPT;
    match bytes {
        Some(0) => assert!(payload.is_null() && errno == KEPT, "{name}: R1, errno {errno}"),
        Some(1..=MODEST) => assert!(granted, "{name}: succeeds and keeps errno, {errno}"),
        Some(..=PTRDIFF_MAX) => assert!(granted || refused, "{name}: one or the other, errno {errno}"),
        _ => assert!(refused, "{name}: R2, errno {errno}"),
    }
    if let (true, Some(bytes)) = (granted, bytes) {
        // SAFETY: a live block of so many bytes.
        unsafe {
            payload.cast::<u8>().write(1);
            payload.cast::<u8>().add(bytes - 1).write(2);
        }
    }
    free(payload);
}

fn free(payload: *mut c_void) {
    let (_, errno) = with_errno(|| {
        // SAFETY: not used any more.
        unsafe { os_free(payload) };
        ptr::null_mut()
    });
    assert_eq!(errno, KEPT, "R8: os_free keeps errno");
}

#[test]
fn malloc_at_every_edge() {
    let _alone = alone();
    for size in sizes() {
        judge(&format!("os_malloc({size})"), Some(size), with_errno(|| os_malloc(size)));
    }
}

#[test]
fn calloc_at_every_pair_of_edges() {
    let _alone = alone();
    let factors: Vec<usize> = [sizes(), factors()].concat();
    for &count in &factors {
        for &size in &factors {
            let bytes = count.checked_mul(size);
            if bytes.is_some_and(|bytes| (MODEST..=PTRDIFF_MAX).contains(&bytes) && count != 1 && size != 1) {
                continue; // takes long, and says no more than os_calloc(1, size)
            }
            judge(&format!("os_calloc({count}, {size})"), bytes, with_errno(|| os_calloc(count, size)));
        }
    }
}

#[test]
fn realloc_at_every_edge_from_nothing_the_heap_and_a_mapping() {
    let _alone = alone();
    for size in sizes() {
        // SAFETY: null is no block.
        judge(
            &format!("os_realloc(NULL, {size})"),
            Some(size),
            with_errno(|| unsafe { os_realloc(ptr::null_mut(), size) }),
        );
        for old_size in [1000, 200_000] {
            let name = format!("os_realloc({old_size} bytes, {size})");
            let old = os_malloc(old_size);
            // SAFETY: a live block of that size.
            unsafe { old.write_bytes(0x5a, old_size) };
            // SAFETY: the old block is used only where it was not resized.
            let (new, errno) = with_errno(|| unsafe { os_realloc(old, size) });
            let kept = if new.is_null() { old } else { new };
            if size > 0 {
                // SAFETY: a live block: the new one, or the old one if there is none.
                let bytes = unsafe { slice::from_raw_parts(kept.cast::<u8>(), old_size.min(size)) };
                assert!(bytes.iter().all(|&byte| byte == 0x5a), "{name}: contents");
            }
            judge(&name, Some(size), (new, errno));
            if new.is_null() && size > 0 {
                free(old); // R15: still the caller's
            }
        }
    }
}

#[test]
fn what_is_no_block_is_einval_for_realloc_and_nothing_for_free() {
    let _alone = alone();
    let live = os_malloc(1000);
    let freed = os_malloc(1000);
    let unmapped = os_malloc(200_000);
    free(freed);
    free(unmapped);
    let mut foreign = [0_u64; 8];
    let low = ptr::without_provenance_mut::<c_void>(8);
    for pointer in [freed, unmapped, live.wrapping_byte_add(8), foreign.as_mut_ptr().cast(), low] {
        free(pointer);
        for size in sizes() {
            // SAFETY: no block, so nothing is invalidated.
            let (payload, errno) = with_errno(|| unsafe { os_realloc(pointer, size) });
            let expected = if size == 0 { KEPT } else { libc::EINVAL };
            assert_eq!((payload, errno), (ptr::null_mut(), expected), "R10: os_realloc({pointer:p}, {size})");
        }
    }
    free(live);
}

#[test]
fn what_overflows_is_never_asked_of_the_system() {
    let mut allocator = Allocator::new(Sim::new());
    let heap = allocator.malloc(1000).unwrap();
    let mapped = allocator.malloc(200_000).unwrap();
    allocator.sys().take_calls();
    for size in sizes().into_iter().filter(|&size| size > PTRDIFF_MAX) {
        assert_eq!(allocator.malloc(size), Err(Failure::OutOfMemory), "malloc({size})");
        assert_eq!(allocator.calloc(size, 1), Err(Failure::OutOfMemory), "calloc({size}, 1)");
        assert_eq!(allocator.calloc(2, size), Err(Failure::OutOfMemory), "calloc(2, {size})");
        for payload in [ptr::null_mut(), heap, mapped] {
            assert_eq!(allocator.realloc(payload, size), Err(Failure::OutOfMemory), "realloc({payload:p}, {size})");
        }
        assert_eq!(allocator.calloc(0, size), Ok(ptr::null_mut()), "R1 comes before R2");
    }
    assert_eq!(allocator.sys().take_calls(), []);
    assert_eq!(check(&allocator), Ok(()));
}
