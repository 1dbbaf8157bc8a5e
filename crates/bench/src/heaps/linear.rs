//! The search that the index replaced, kept to be measured against: every call walks the list of all blocks. The rules
//! are the contract's (exact best fit, lowest address, merging before each search, the first free block whose payload
//! begins at the pointer is looked up from the front); the region is reserved once, so that it pays for no system call.

use super::{Heap, arena, cleared, moved};
use std::ptr;

/// As long as `struct block_meta`.
#[repr(C)]
struct Header {
    size: usize,
    free: bool,
    prev: *mut Header,
    next: *mut Header,
}

const HEADER: usize = size_of::<Header>();
const UNIT: usize = 8;

/// The list of all blocks, in address order.
pub struct Linear {
    first: *mut Header,
    last: *mut Header,
    /// Where the untouched rest of the region begins.
    end: *mut u8,
}

impl Linear {
    pub fn new() -> Self {
        Self { first: ptr::null_mut(), last: ptr::null_mut(), end: arena::reserve().as_ptr() }
    }

    /// A new block behind the last one.
    fn append(&mut self, size: usize) -> *mut Header {
        let block = self.end.cast::<Header>();
        // SAFETY: the region is larger than any benchmark fills, and `end` is aligned as every size is.
        unsafe {
            self.end = self.end.add(HEADER + size);
            block.write(Header { size, free: false, prev: self.last, next: ptr::null_mut() });
            match self.last.as_mut() {
                Some(last) => last.next = block,
                None => self.first = block,
            }
        }
        self.last = block;
        block
    }

    /// Calls `visit` with each block until it says that it has seen enough.
    fn walk(&mut self, mut visit: impl FnMut(&mut Self, *mut Header) -> bool) {
        let mut block = self.first;
        while !block.is_null() {
            if visit(self, block) {
                return;
            }
            // SAFETY: a block of the list.
            block = unsafe { (*block).next };
        }
    }

    /// Merges the free block `block` with all free ones behind it.
    fn merge(&mut self, block: *mut Header) {
        // SAFETY: `block` and what its links name are blocks of the list, without gaps between them.
        unsafe {
            while let Some(next) = (*block).next.as_ref().filter(|next| next.free) {
                (*block).size += HEADER + next.size;
                (*block).next = next.next;
                match next.next.as_mut() {
                    Some(behind) => behind.prev = block,
                    None => self.last = block,
                }
            }
        }
    }

    fn split(&mut self, block: *mut Header, size: usize) {
        // SAFETY: the rest is part of the block's own payload, and aligned as `size` is.
        unsafe {
            let rest = (*block).size - size;
            if rest < HEADER + UNIT {
                return;
            }
            let cut = block.byte_add(HEADER + size);
            let behind = (*block).next;
            cut.write(Header { size: rest - HEADER, free: true, prev: block, next: behind });
            (*block).size = size;
            (*block).next = cut;
            match behind.as_mut() {
                Some(behind) => behind.prev = cut,
                None => self.last = cut,
            }
        }
    }
}

impl Heap for Linear {
    fn malloc(&mut self, bytes: usize) -> *mut u8 {
        let size = bytes.next_multiple_of(UNIT);
        self.walk(|list, block| {
            // SAFETY: a block of the list.
            if unsafe { (*block).free } {
                list.merge(block);
            }
            false
        });
        let mut best = ptr::null_mut::<Header>();
        self.walk(|_, block| {
            // SAFETY: blocks of the list.
            unsafe {
                if (*block).free && (*block).size >= size && best.as_ref().is_none_or(|best| (*block).size < best.size)
                {
                    best = block;
                }
            }
            false
        });
        if best.is_null() {
            best = self.append(size);
        }
        self.split(best, size);
        // SAFETY: a block of the list with a payload behind it.
        unsafe {
            (*best).free = false;
            best.byte_add(HEADER).cast()
        }
    }

    fn calloc(&mut self, bytes: usize) -> *mut u8 {
        cleared(self.malloc(bytes), bytes)
    }

    unsafe fn free(&mut self, payload: *mut u8, _: usize) {
        self.walk(|_, block| {
            // SAFETY: a block of the list.
            unsafe {
                let found = block.byte_add(HEADER).cast() == payload;
                (*block).free |= found;
                found
            }
        });
    }

    unsafe fn realloc(&mut self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: live by the caller's word.
        unsafe { moved(self, block, old, new) }
    }

    /// Without any free block the search ends behind the last one: the same state in one step per block.
    fn fill(&mut self, live: &mut [(*mut u8, u32)]) {
        for (block, bytes) in live {
            let header = self.append((*bytes as usize).next_multiple_of(UNIT));
            // SAFETY: the payload lies behind the header.
            *block = unsafe { header.byte_add(HEADER) }.cast();
        }
    }
}
