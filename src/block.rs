//! One block: a header, and right behind it the payload that the caller gets.
//!
//! ```text
//!   block                                       what the caller gets
//!   │◀──────────── header, 32 bytes ───────────▶│◀───── payload, size bytes ──────▶│ the next block, if adjacent
//!   ┌──────────┬──────────┬──────────┬──────────┬──────────────────────────────────┬──────────┬──
//!   │ size     │ status   │ prev     │ next     │ ...                              │ size     │ ...
//!   │ 8 bytes  │ 4 (+ 4)  │ 8 bytes  │ 8 bytes  │                                  │          │
//!   └──────────┴──────────┴──────────┴──────────┴──────────────────────────────────┴──────────┴──
//!   +0         +8         +16        +24        +32                                +32+size
//! ```
//!
//! `size` counts the payload only and is a multiple of 8. The blocks of the heap are linked in address order, the
//! mappings in the order they were made. This module reads headers and moves the bytes of payloads; links and sizes are
//! changed by [`list`](crate::list) alone.
#![expect(unsafe_code, reason = "headers and payloads are raw memory")]

use crate::size::{ALIGNMENT, HEADER};
use std::ptr::NonNull;

/// What stands in front of every payload.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Header {
    /// Bytes in the payload.
    pub(crate) size: usize,
    /// What the block is used for.
    pub(crate) status: Status,
    /// The neighbour towards the list's beginning.
    pub(crate) prev: Option<Block>,
    /// The neighbour towards the list's end.
    pub(crate) next: Option<Block>,
}

const _: () = assert!(size_of::<Header>() == HEADER, "the header must take 32 bytes: osmem needs a 64-bit target");
const _: () = assert!(align_of::<Header>() <= ALIGNMENT, "a header may stand wherever a payload ends");
const _: () = assert!(HEADER.is_multiple_of(ALIGNMENT), "a payload behind an aligned header is aligned");

/// What a block is used for. Not an `enum`: a program that writes past its payload can leave any number here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Status(i32);

impl Status {
    /// A block of the heap that waits for a request.
    pub const FREE: Self = Self(0);
    /// A block of the heap that a caller owns.
    pub const ALLOC: Self = Self(1);
    /// A mapping of its own, which a caller owns.
    pub const MAPPED: Self = Self(2);
}

/// The place of one header.
///
/// Only [`list`](crate::list) makes one, for a header it has written. It is held no longer than that header exists:
/// until the block is merged into the one before it or its mapping is given back. None outlives the call that found it,
/// save in the links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Block(NonNull<Header>);

impl Block {
    /// # Safety
    ///
    /// A header must have been written at `header`, in memory that is ours (H1) and stays so for as long as the value
    /// is used.
    pub(crate) const unsafe fn at(header: NonNull<Header>) -> Self {
        Self(header)
    }

    /// The header itself, for [`list`](crate::list).
    pub(crate) const fn header(self) -> NonNull<Header> {
        self.0
    }

    /// The header's address, where the block begins.
    pub(crate) fn address(self) -> usize {
        self.0.addr().get()
    }

    /// The address right behind the payload, where the block ends.
    pub(crate) fn end(self) -> usize {
        self.address() + HEADER + self.size()
    }

    /// Bytes in the payload.
    pub(crate) fn size(self) -> usize {
        // SAFETY: H1, a `Block` is the place of a header of ours.
        unsafe { (*self.0.as_ptr()).size }
    }

    /// What the block is used for.
    pub(crate) fn status(self) -> Status {
        // SAFETY: as in `size`.
        unsafe { (*self.0.as_ptr()).status }
    }

    /// Changes what the block is used for.
    pub(crate) fn set_status(self, status: Status) {
        // SAFETY: as in `size`.
        unsafe { (*self.0.as_ptr()).status = status }
    }

    /// The neighbour towards the list's beginning.
    pub(crate) fn prev(self) -> Option<Self> {
        // SAFETY: as in `size`.
        unsafe { (*self.0.as_ptr()).prev }
    }

    /// The neighbour towards the list's end.
    pub(crate) fn next(self) -> Option<Self> {
        // SAFETY: as in `size`.
        unsafe { (*self.0.as_ptr()).next }
    }

    /// The first byte of the payload.
    pub(crate) const fn payload(self) -> NonNull<u8> {
        // SAFETY: H1 and H3, the payload follows the header in the same memory and is not empty.
        unsafe { self.0.cast::<u8>().add(HEADER) }
    }

    /// Makes every byte of the payload zero (R17).
    pub(crate) fn zero(self) {
        // SAFETY: H1, the payload is `size` bytes of ours; the caller of `calloc` does not have it yet.
        unsafe { self.payload().write_bytes(0, self.size()) }
    }

    /// Copies the first `bytes` bytes of another payload into this one (R17); both must be that long.
    pub(crate) fn copy_from(self, other: Self, bytes: usize) {
        debug_assert!(bytes <= self.size() && bytes <= other.size(), "a copy stays inside both payloads");
        // SAFETY: H1 and H2, two payloads of ours that do not overlap, both at least `bytes` long.
        unsafe { self.payload().copy_from_nonoverlapping(other.payload(), bytes) }
    }
}
