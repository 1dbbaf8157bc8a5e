//! The allocator of a whole Rust program.
#![expect(unsafe_code, reason = "the trait is unsafe")]

use crate::process;
use std::alloc::{GlobalAlloc, Layout};

/// Every alignment that needs no special care.
const ALIGNMENT: usize = 16;

/// Makes the [`process`] heap the allocator of a Rust program:
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: osmem::Osmem = osmem::Osmem;
///
/// let numbers: Vec<u64> = (0..1000).collect();
/// assert!(osmem::process::stats().used_bytes >= 8000);
/// # drop(numbers);
/// ```
///
/// Sizes and alignments are those of the [`Layout`]; a failure is null, as the trait asks. Threads keep small blocks
/// ([`process`]).
#[derive(Clone, Copy, Debug, Default)]
pub struct Osmem;

// SAFETY: the functions of `process` hand out blocks of at least the size and alignment that are asked for, no two of
// which overlap, and neither panic nor ask for memory themselves.
unsafe impl GlobalAlloc for Osmem {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGNMENT {
            process::allocate(layout.size())
        } else {
            process::allocate_aligned(layout.align(), layout.size())
        }
    }

    #[inline]
    unsafe fn dealloc(&self, payload: *mut u8, _: Layout) {
        // SAFETY: the caller's promise.
        unsafe { process::free(payload) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGNMENT {
            return process::allocate_zeroed(layout.size());
        }
        let payload = process::allocate_aligned(layout.align(), layout.size());
        if !payload.is_null() {
            // SAFETY: a live block of that size.
            unsafe { payload.write_bytes(0, layout.size()) };
        }
        payload
    }

    #[inline]
    unsafe fn realloc(&self, payload: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        if layout.align() <= ALIGNMENT {
            // SAFETY: the caller's promise.
            return unsafe { process::reallocate(payload, bytes) };
        }
        let new = process::allocate_aligned(layout.align(), bytes);
        if !new.is_null() {
            // SAFETY: two live blocks, both at least so long; the old one is given up.
            unsafe {
                new.copy_from_nonoverlapping(payload, layout.size().min(bytes));
                process::free(payload);
            }
        }
        new
    }
}
