//! The one seam between the allocator and the operating system.
//!
//! Everything the allocator ever asks the system is a method of [`Sys`]. [`linux`] answers for real, [`sim`] as a test
//! tells it to. What the system hands out travels as a [`Memory`]: a value that owns its bytes, so that the layers
//! above can neither use them twice nor give back what they never got.
#![expect(unsafe_code, reason = "memory enters and leaves the program here")]

use std::ptr::NonNull;

pub mod errno;
pub(crate) mod forks;
pub(crate) mod futex;
#[cfg(all(target_env = "gnu", not(miri)))]
mod glibc;
pub mod linux;
pub(crate) mod lock;
#[cfg(miri)]
pub(crate) mod miri;
pub(crate) mod raw;
pub mod region;
pub mod sim;
pub(crate) mod stdio;
pub(crate) mod thread;

/// What the allocator needs of an operating system.
///
/// # Safety
///
/// The allocator believes its system: every answer must be exactly what the method says, the memory as long as was
/// asked for and a mapping at a page boundary.
pub unsafe trait Sys {
    /// The address where the heap ends, as the system knows it; 0 before it stands anywhere. Asking changes nothing.
    fn current_break(&self) -> usize;

    /// Moves the break up by `by` bytes and returns the bytes between the old break and the new one; `None` if refused.
    fn move_break(&mut self, by: usize) -> Option<Memory>;

    /// Moves the break down by `by` bytes, which were the last ones we got; `false` if refused, or if somebody else has
    /// moved the break meanwhile. Only asked by a policy that trims.
    fn lower_break(&mut self, by: usize) -> bool;

    /// Makes the break stand elsewhere, higher up and with room for at least `room` bytes that end before the address
    /// `limit`, as if a foreigner had moved it there: it cannot move where it is, or stands nowhere yet. `false` if that is
    /// not possible. Only asked by a policy that allows it.
    fn leap(&mut self, room: usize, limit: usize) -> bool;

    /// Gives whole pages of the heap back, from the address `start` on: they stay where they are, and read as zero when
    /// they are used again. `false`, and the contents kept, if refused. Only asked by a policy that trims.
    fn discard(&mut self, start: usize, bytes: usize) -> bool;

    /// Whether the bytes between an old break and a new one are zero, save those in a page that somebody else used.
    fn grows_clean(&self) -> bool;

    /// A new private mapping of `length` zero bytes that starts at a page boundary; `None` if refused.
    fn map(&mut self, length: usize) -> Option<Memory>;

    /// Makes a mapping `length` bytes long, where it is or elsewhere, with its contents kept and new bytes zero; the
    /// mapping as it was if refused. Only asked by a policy that allows it.
    ///
    /// # Errors
    ///
    /// The unchanged mapping.
    fn remap(&mut self, memory: Memory, length: usize) -> Result<Memory, Memory>;

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

    /// Divides the bytes: the first `bytes` of them, at most [`length`](Self::length), and the others.
    pub(crate) fn cut(self, bytes: usize) -> (Self, Self) {
        let bytes = bytes.min(self.length);
        (Self { start: self.start, length: bytes }, self.skip(bytes))
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
