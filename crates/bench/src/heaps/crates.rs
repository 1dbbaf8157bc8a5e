//! The allocators of other crates. dlmalloc asks the system, the others manage one region.

use super::{Heap, arena, cleared, moved};
use dlmalloc::Dlmalloc as TheDlmalloc;
use linked_list_allocator::Heap as TheLinkedList;
use rlsf::Tlsf;
use std::alloc::Layout;
use std::ptr::{self, NonNull};
use talc::DefaultBinning;
use talc::base::Talc as TheTalc;
use talc::source::Manual;

const ALIGNMENT: usize = 16;

fn layout(bytes: usize) -> Layout {
    // SAFETY: the alignment is a power of two, and no benchmark comes near the largest size.
    unsafe { Layout::from_size_align_unchecked(bytes, ALIGNMENT) }
}

fn raw(block: Option<NonNull<u8>>) -> *mut u8 {
    block.map_or(ptr::null_mut(), NonNull::as_ptr)
}

/// <https://docs.rs/dlmalloc>, in a box: once used it holds pointers into itself, and must not move.
pub struct Dlmalloc(Box<TheDlmalloc>);

impl Dlmalloc {
    pub fn new() -> Self {
        Self(Box::new(TheDlmalloc::new()))
    }
}

impl Heap for Dlmalloc {
    #[inline]
    fn malloc(&mut self, bytes: usize) -> *mut u8 {
        // SAFETY: any size may be asked for.
        unsafe { self.0.malloc(bytes, ALIGNMENT) }
    }

    #[inline]
    fn calloc(&mut self, bytes: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { self.0.calloc(bytes, ALIGNMENT) }
    }

    #[inline]
    unsafe fn free(&mut self, block: *mut u8, bytes: usize) {
        // SAFETY: live by the caller's word.
        unsafe { self.0.free(block, bytes, ALIGNMENT) };
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { self.0.realloc(block, old, ALIGNMENT, new) }
    }
}

/// <https://docs.rs/talc>
pub struct Talc(TheTalc<Manual, DefaultBinning>);

impl Talc {
    pub fn new() -> Self {
        let mut talc = TheTalc::new(Manual);
        // SAFETY: nobody else uses the region.
        let claimed = unsafe { talc.claim(arena::reserve().as_ptr(), arena::BYTES) };
        assert!(claimed.is_some(), "talc refuses its region");
        Self(talc)
    }
}

impl Heap for Talc {
    #[inline]
    fn malloc(&mut self, bytes: usize) -> *mut u8 {
        // SAFETY: the size is not zero.
        raw(unsafe { self.0.allocate(layout(bytes)) })
    }

    #[inline]
    fn calloc(&mut self, bytes: usize) -> *mut u8 {
        cleared(self.malloc(bytes), bytes)
    }

    #[inline]
    unsafe fn free(&mut self, block: *mut u8, bytes: usize) {
        // SAFETY: live by the caller's word.
        unsafe { self.0.deallocate(block, layout(bytes)) };
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: live by the caller's word.
        if unsafe { self.0.try_realloc_in_place(block, layout(old), new) } {
            return block;
        }
        // SAFETY: as above.
        unsafe { moved(self, block, old, new) }
    }
}

/// <https://docs.rs/rlsf>, with as many classes as its own global allocator has.
pub struct Rlsf(Tlsf<'static, usize, usize, { usize::BITS as usize }, { usize::BITS as usize }>);

impl Rlsf {
    pub fn new() -> Self {
        let mut tlsf = Tlsf::new();
        let region = NonNull::slice_from_raw_parts(arena::reserve(), arena::BYTES);
        // SAFETY: nobody else uses the region, and it is never given back.
        let inserted = unsafe { tlsf.insert_free_block_ptr(region) };
        assert!(inserted.is_some(), "rlsf refuses its region");
        Self(tlsf)
    }
}

impl Heap for Rlsf {
    #[inline]
    fn malloc(&mut self, bytes: usize) -> *mut u8 {
        raw(self.0.allocate(layout(bytes)))
    }

    #[inline]
    fn calloc(&mut self, bytes: usize) -> *mut u8 {
        cleared(self.malloc(bytes), bytes)
    }

    #[inline]
    unsafe fn free(&mut self, block: *mut u8, _: usize) {
        // SAFETY: live by the caller's word, and so not null.
        unsafe { self.0.deallocate(NonNull::new_unchecked(block), ALIGNMENT) };
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, _: usize, new: usize) -> *mut u8 {
        // SAFETY: as above.
        raw(unsafe { self.0.reallocate(NonNull::new_unchecked(block), layout(new)) })
    }
}

/// <https://docs.rs/linked_list_allocator>
pub struct LinkedList(TheLinkedList);

impl LinkedList {
    pub fn new() -> Self {
        // SAFETY: nobody else uses the region, and it is never given back.
        Self(unsafe { TheLinkedList::new(arena::reserve().as_ptr(), arena::BYTES) })
    }
}

impl Heap for LinkedList {
    #[inline]
    fn malloc(&mut self, bytes: usize) -> *mut u8 {
        raw(self.0.allocate_first_fit(layout(bytes)).ok())
    }

    #[inline]
    fn calloc(&mut self, bytes: usize) -> *mut u8 {
        cleared(self.malloc(bytes), bytes)
    }

    #[inline]
    unsafe fn free(&mut self, block: *mut u8, bytes: usize) {
        // SAFETY: live by the caller's word, and so not null.
        unsafe { self.0.deallocate(NonNull::new_unchecked(block), layout(bytes)) };
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: as above.
        unsafe { moved(self, block, old, new) }
    }
}
