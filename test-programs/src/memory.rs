//! Memory of a known size and the pattern it is filled with; places in memory as plain numbers.

#![expect(unsafe_code, reason = "reads and writes the memory under test")]

use core::ffi::c_int;
use core::slice;
use core::sync::atomic::{AtomicU64, Ordering};

use osmem_replay::pattern;

use crate::message::Part::{Hex, Number, Text};
use crate::message::fail;

/// An address that is only compared or passed on, never read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Place(pub(crate) usize);

/// The place that is none.
pub const NULL: Place = Place(0);

impl Place {
    /// The place `bytes` further on.
    #[must_use]
    pub fn plus(self, bytes: usize) -> Self {
        Self(self.0 + bytes)
    }
}

/// A place on the stack, aligned to 8: never one that an allocator gave.
#[must_use]
pub fn stack_place() -> Place {
    let local = 0_u64;
    Place((&raw const local).addr())
}

/// `size` bytes from `address` on that only this program may write to.
///
/// M1: from [`Memory::new`] until the allocator gets it back they are readable, writable and nobody else's.
pub struct Memory {
    address: *mut u8,
    size: usize,
    seed: u64,
}

impl Memory {
    /// Takes over memory that was just handed out, without touching it.
    ///
    /// # Safety
    ///
    /// M1 holds from now on, as far as the one who handed it out keeps its promise.
    pub unsafe fn new(address: *mut u8, size: usize) -> Self {
        static SEED: AtomicU64 = AtomicU64::new(1);
        Self { address, size, seed: SEED.fetch_add(1, Ordering::Relaxed) }
    }

    pub fn place(&self) -> Place {
        Place(self.address.addr())
    }

    pub fn address(&self) -> *mut u8 {
        self.address
    }

    pub fn size(&self) -> usize {
        self.size
    }

    /// The contents; to be asked for only where something was written or promised before.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: M1.
        unsafe { slice::from_raw_parts(self.address, self.size) }
    }

    /// Fills it with its pattern.
    pub fn fill(&mut self) {
        // SAFETY: M1.
        let bytes = unsafe { slice::from_raw_parts_mut(self.address, self.size) };
        for (index, eight) in (0..).zip(bytes.chunks_mut(8)) {
            eight.copy_from_slice(&pattern(self.seed, index)[..eight.len()]);
        }
    }

    /// Checks that it still holds its pattern; if not, the program ends with `status`.
    pub fn verify(&self, owner: &str, status: c_int) {
        for ((index, start), eight) in (0..).zip((0..).step_by(8)).zip(self.bytes().chunks(8)) {
            let pattern = pattern(self.seed, index);
            if let Some(at) = first_difference(eight, &pattern) {
                fail(
                    status,
                    &[
                        Text(owner),
                        Text(" of "),
                        Number(self.size),
                        Text(" bytes was written into by somebody else: its byte "),
                        Number(start + at),
                        Text(" is "),
                        Hex(usize::from(eight[at])),
                        Text(", the program put "),
                        Hex(usize::from(pattern[at])),
                    ],
                );
            }
        }
    }
}

/// Where the two differ first, as far as both reach.
pub fn first_difference(one: &[u8], other: &[u8]) -> Option<usize> {
    one.iter().zip(other).position(|(one, other)| one != other)
}
