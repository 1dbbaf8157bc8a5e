//! This project's allocators. Nothing else in the package knows their interface.

use super::Heap;
use osmem::alloc::Allocator;
use osmem::block::{Compact, Full, Header};
use osmem::policy::Policy;
use osmem::process;
use osmem::sys::linux::Linux;
use std::ptr;

/// The core: no lock, no cache. It moves the break through the C library, which shares it.
pub struct Core<H>(Allocator<Linux, H>);

impl Core<Full> {
    /// The contract's layout and policy.
    pub fn exact() -> Self {
        Self(Allocator::with_policy(Linux::new(), Policy::EXACT))
    }

    /// The contract's layout with the policy for real programs.
    pub fn padded() -> Self {
        Self(Allocator::with_policy(Linux::new(), Policy::PADDED))
    }
}

impl Core<Compact<16>> {
    /// The layout and policy for real programs.
    pub fn compact() -> Self {
        Self(Allocator::with_policy(Linux::new(), Policy::PADDED))
    }
}

impl<H: Header> Heap for Core<H> {
    #[inline]
    fn malloc(&mut self, bytes: usize) -> *mut u8 {
        self.0.malloc(bytes).unwrap_or(ptr::null_mut())
    }

    #[inline]
    fn calloc(&mut self, bytes: usize) -> *mut u8 {
        self.0.calloc(1, bytes).unwrap_or(ptr::null_mut())
    }

    #[inline]
    unsafe fn free(&mut self, block: *mut u8, _: usize) {
        self.0.free(block);
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, _: usize, new: usize) -> *mut u8 {
        self.0.realloc(block, new).unwrap_or(ptr::null_mut())
    }
}

/// The heap of the whole process that the preload library and the global allocator use: a lock, and caches of threads.
pub struct Process;

impl Heap for Process {
    #[inline]
    fn malloc(&mut self, bytes: usize) -> *mut u8 {
        process::allocate(bytes)
    }

    #[inline]
    fn calloc(&mut self, bytes: usize) -> *mut u8 {
        process::allocate_zeroed(bytes)
    }

    #[inline]
    unsafe fn free(&mut self, block: *mut u8, _: usize) {
        // SAFETY: live by the caller's word.
        unsafe { process::free(block) };
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, _: usize, new: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { process::reallocate(block, new) }
    }
}
