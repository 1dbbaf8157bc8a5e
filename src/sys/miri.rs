//! The system of the process's heap under Miri, which knows neither the break nor mappings at a place of one's own: both
//! are cut from one arena, so that all addresses of the heap have the provenance of one allocation.
//!
//! The break moves up from the arena's beginning. Mappings are cut from its end; one that is given back serves the next
//! one that it has room for.
#![expect(unsafe_code, reason = "hands out raw memory of its own")]

use super::{Memory, Sys};
use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::cell::OnceCell;
use std::ptr::NonNull;

/// Bytes of the arena.
const LENGTH: usize = 8 << 20;
const PAGE: usize = 4096;
const LAYOUT: Layout = match Layout::from_size_align(LENGTH, PAGE) {
    Ok(layout) => layout,
    Err(_) => panic!("an arena of this length and alignment cannot be"),
};
/// Mappings that were given back and are remembered, at most; further ones are lost.
const SPARE: usize = 64;

/// The arena, which is there from the first call on.
#[derive(Debug)]
pub struct Arena {
    start: OnceCell<NonNull<u8>>,
    /// Bytes below the break.
    used: usize,
    /// Bytes at the end that mappings have, or had.
    mapped: usize,
    /// Mappings that were given back: where they begin in the arena, and how long they are.
    spare: [(usize, usize); SPARE],
}

impl Arena {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { start: OnceCell::new(), used: 0, mapped: 0, spare: [(0, 0); SPARE] }
    }

    fn start(&self) -> NonNull<u8> {
        *self.start.get_or_init(|| {
            // SAFETY: the size is not zero.
            let start = NonNull::new(unsafe { alloc_zeroed(LAYOUT) });
            start.unwrap_or_else(|| handle_alloc_error(LAYOUT))
        })
    }

    /// The `length` bytes behind the first `offset` of the arena, all zero.
    fn hand_out(&self, offset: usize, length: usize) -> Memory {
        assert!(offset + length <= LENGTH, "inside the arena");
        // SAFETY: inside the arena, and callers see to it that these bytes are free.
        unsafe {
            let start = self.start().add(offset);
            start.write_bytes(0, length);
            Memory::new(start, length)
        }
    }

    /// Where a mapping of `length` bytes, whole pages, has room.
    fn room(&mut self, length: usize) -> Option<usize> {
        if let Some(spare) = self.spare.iter_mut().find(|spare| spare.1 >= length) {
            let offset = spare.0;
            *spare = (offset + length, spare.1 - length);
            return Some(offset);
        }
        let mapped = self.mapped.checked_add(length).filter(|mapped| *mapped <= LENGTH - self.used)?;
        self.mapped = mapped;
        Some(LENGTH - mapped)
    }
}

impl Default for Arena {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: the arena is never given back, and no byte of it is handed out twice.
unsafe impl Sys for Arena {
    fn current_break(&self) -> usize {
        self.start().addr().get() + self.used
    }

    fn move_break(&mut self, by: usize) -> Option<Memory> {
        let old = self.used;
        self.used = old.checked_add(by).filter(|used| *used <= LENGTH - self.mapped)?;
        Some(self.hand_out(old, by))
    }

    fn lower_break(&mut self, by: usize) -> bool {
        self.used -= by;
        true
    }

    fn leap(&mut self, _: usize, _: usize) -> bool {
        false
    }

    fn discard(&mut self, start: usize, bytes: usize) -> bool {
        let offset = start - self.start().addr().get();
        assert!(offset + bytes <= self.used, "only memory of the heap");
        // SAFETY: inside the arena, and the caller gives the contents up.
        unsafe { self.start().add(offset).write_bytes(0, bytes) };
        true
    }

    fn grows_clean(&self) -> bool {
        true
    }

    fn map(&mut self, length: usize) -> Option<Memory> {
        let offset = self.room(length.checked_next_multiple_of(PAGE)?)?;
        Some(self.hand_out(offset, length))
    }

    /// Always moves, so that a pointer into the old place is seen to be wrong.
    fn remap(&mut self, memory: Memory, length: usize) -> Result<Memory, Memory> {
        let Some(new) = self.map(length) else { return Err(memory) };
        // SAFETY: two mappings, both at least so long.
        unsafe { new.start().copy_from_nonoverlapping(memory.start(), length.min(memory.length())) };
        self.unmap(memory);
        Ok(new)
    }

    fn unmap(&mut self, memory: Memory) -> bool {
        let offset = memory.address() - self.start().addr().get();
        if let Some(spare) = self.spare.iter_mut().find(|spare| spare.1 == 0) {
            *spare = (offset, memory.length().next_multiple_of(PAGE));
        }
        true
    }

    fn page_size(&self) -> usize {
        PAGE
    }
}
