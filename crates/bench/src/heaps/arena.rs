//! Address space for allocators that manage one region and ask no system.

use std::ptr::{self, NonNull};

/// Bytes of each region. Only what is touched becomes memory, and nothing is ever asked for again: that favours these
/// allocators over those that pay for every growth with a system call.
pub const BYTES: usize = 8 << 30;

/// A new region of [`BYTES`] zero bytes that is never given back.
pub fn reserve() -> NonNull<u8> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: without an address no existing mapping is touched.
    let start = unsafe { libc::mmap(ptr::null_mut(), BYTES, protection, flags, -1, 0) };
    assert!(start != libc::MAP_FAILED, "cannot reserve {BYTES} bytes of address space: raise the limit (ulimit -v)");
    NonNull::new(start.cast()).expect("a mapping is not at address zero")
}
