//! Every allocator that is measured, behind one trait. Measured code is generic over it, so that no call is indirect.

pub mod arena;
pub mod crates;
pub mod linear;
pub mod none;
pub mod ours;

use std::ptr;

/// An allocator as the measured loops see it. Alignment is whatever it gives to every block, 16 where it must be named.
pub trait Heap {
    /// `bytes` bytes, contents undefined; never zero bytes.
    fn malloc(&mut self, bytes: usize) -> *mut u8;

    /// `bytes` bytes, all zero.
    fn calloc(&mut self, bytes: usize) -> *mut u8;

    /// Frees a block of `bytes` bytes. The interfaces of Rust want the size, those of C do not look at it.
    ///
    /// # Safety
    ///
    /// `block` is live, of this allocator, and was asked for with `bytes` bytes.
    unsafe fn free(&mut self, block: *mut u8, bytes: usize);

    /// Resizes a block of `old` bytes to `new` bytes.
    ///
    /// # Safety
    ///
    /// As for [`free`](Self::free).
    unsafe fn realloc(&mut self, block: *mut u8, old: usize, new: usize) -> *mut u8;

    /// As many [`malloc`](Self::malloc)s as `live` has elements, for allocators in which that would take for ever.
    fn fill(&mut self, live: &mut [(*mut u8, u32)]) {
        for (block, bytes) in live {
            *block = self.malloc(*bytes as usize);
        }
    }
}

/// The C library's `malloc` of this process, as it is configured by default.
pub struct System;

impl Heap for System {
    #[inline]
    fn malloc(&mut self, bytes: usize) -> *mut u8 {
        // SAFETY: any size may be asked for.
        unsafe { libc::malloc(bytes) }.cast()
    }

    #[inline]
    fn calloc(&mut self, bytes: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { libc::calloc(1, bytes) }.cast()
    }

    #[inline]
    unsafe fn free(&mut self, block: *mut u8, _: usize) {
        // SAFETY: live by the caller's word.
        unsafe { libc::free(block.cast()) };
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, _: usize, new: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { libc::realloc(block.cast(), new) }.cast()
    }
}

/// What the interface of Rust does where an allocator cannot resize in place: allocate, copy, free.
///
/// # Safety
///
/// `block` is a live block of `heap` of `old` bytes.
pub unsafe fn moved<H: Heap>(heap: &mut H, block: *mut u8, old: usize, new: usize) -> *mut u8 {
    let fresh = heap.malloc(new);
    if !fresh.is_null() {
        // SAFETY: two different live blocks, each as long as the copy.
        unsafe { ptr::copy_nonoverlapping(block, fresh, old.min(new)) };
        // SAFETY: live by the caller's word.
        unsafe { heap.free(block, old) };
    }
    fresh
}

/// Clears a block for an allocator that has no `calloc`.
pub fn cleared(block: *mut u8, bytes: usize) -> *mut u8 {
    if !block.is_null() {
        // SAFETY: callers pass a block of `bytes` bytes that they have just got.
        unsafe { block.write_bytes(0, bytes) };
    }
    block
}
