//! The one seam between the allocator and the operating system.
//!
//! Everything the allocator ever asks the system is a method of [`Sys`]. [`linux`] answers for real, [`sim`] as a test
//! tells it to. What the system hands out travels as a [`Memory`]: a value that owns its bytes, so that the layers
//! above can neither use them twice nor give back what they never got.
#![expect(unsafe_code, reason = "memory enters and leaves the program here")]

use std::ptr::NonNull;

pub mod linux;
pub mod sim;

/// What the allocator needs of an operating system.
///
/// # Safety
///
/// The allocator believes its system: every answer must be exactly what the method says, the memory as long as was
/// asked for and a mapping at a page boundary.
pub unsafe trait Sys {
    /// The address where the heap ends, as the system knows it. Asking changes nothing.
    fn current_break(&self) -> usize;

    /// Moves the break up by `by` bytes and returns the bytes between the old break and the new one; `None` if refused.
    fn move_break(&mut self, by: usize) -> Option<Memory>;

    /// A new private mapping of `length` zero bytes that starts at a page boundary; `None` if refused.
    fn map(&mut self, length: usize) -> Option<Memory>;

    /// Gives a mapping back. `false` if refused: the bytes stay mapped, but belong to nobody any more.
    fn unmap(&mut self, memory: Memory) -> bool;

    /// Bytes in one page, a power of two.
    fn page_size(&self) -> usize;
}

/// The only right to use some bytes that the system gave. Dropping it leaks them.
#[derive(Debug)]
#[must_use = "memory that is dropped is lost"]
pub struct Memory {
    start: NonNull<u8>,
    length: usize,
}

impl Memory {
    /// # Safety
    ///
    /// The `length` bytes from `start` must be readable and writable until they are given back to the system, and
    /// nobody else may use them.
    pub const unsafe fn new(start: NonNull<u8>, length: usize) -> Self {
        Self { start, length }
    }

    /// The first byte.
    #[must_use]
    pub const fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// The address of the first byte.
    #[must_use]
    pub fn address(&self) -> usize {
        self.start.addr().get()
    }

    /// The number of bytes.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Leaves the first `bytes` bytes alone; at most [`length`](Self::length) of them.
    pub(crate) fn skip(self, bytes: usize) -> Self {
        let bytes = bytes.min(self.length);
        Self {
            // SAFETY: at most `length`, so the new start lies in the same bytes or at their end.
            start: unsafe { self.start.add(bytes) },
            length: self.length - bytes,
        }
    }
}
