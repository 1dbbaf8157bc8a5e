//! No allocator at all: what the measured loop and the memory under its blocks cost by themselves.

use super::{Heap, arena};

/// Bytes from one block to the next: as many as a block of random size takes on average. Only first words are written.
const APART: usize = 544;

/// Hands out the block that was freed last, and new ones only to fill.
pub struct None {
    end: *mut u8,
    freed: *mut u8,
}

impl None {
    pub fn new() -> Self {
        Self { end: arena::reserve().as_ptr(), freed: std::ptr::null_mut() }
    }
}

impl Heap for None {
    #[inline]
    fn malloc(&mut self, _: usize) -> *mut u8 {
        self.freed
    }

    #[inline]
    fn calloc(&mut self, bytes: usize) -> *mut u8 {
        self.malloc(bytes)
    }

    #[inline]
    unsafe fn free(&mut self, block: *mut u8, _: usize) {
        self.freed = block;
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, _: usize, _: usize) -> *mut u8 {
        block
    }

    fn fill(&mut self, live: &mut [(*mut u8, u32)]) {
        for (block, _) in live {
            *block = self.end;
            self.end = self.end.wrapping_add(APART);
        }
    }
}
