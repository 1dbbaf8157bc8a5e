//! The contract's header.
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
//! `size` counts the payload only and is a multiple of 8. The four bytes behind `status`, which the C structure leaves
//! to padding, hold the tag of an owned block, and whether a free one still is to be merged.

use super::{Base, Block, Header, Status, tag};
use crate::size::{ALIGNMENT, HEADER};

/// The contract's header: 32 bytes, payloads aligned to 8.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Full {
    size: usize,
    status: Status,
    /// Owned: the tag. Free: whether it still is to be merged.
    note: u32,
    /// A mapping's link to those below it.
    prev: Option<Block<Self>>,
    /// A mapping's link to those above it.
    next: Option<Block<Self>>,
}

const _: () = assert!(size_of::<Full>() == HEADER, "the header must take 32 bytes: osmem needs a 64-bit target");
const _: () = assert!(align_of::<Full>() <= ALIGNMENT, "a header may stand wherever a payload ends");
const _: () = assert!(HEADER.is_multiple_of(ALIGNMENT), "a payload behind an aligned header is aligned");

/// Of a free block: it still is to be merged.
const PENDING: u32 = 1;

impl Header for Full {
    const BYTES: usize = HEADER;
    const ALIGNMENT: usize = ALIGNMENT;
    const SPAN: usize = 32 << 30;

    #[inline]
    fn free(size: usize) -> Self {
        Self { size, status: Status::FREE, note: 0, prev: None, next: None }
    }

    fn mapping(size: usize) -> Self {
        Self { size, status: Status::MAPPED, note: 0, prev: None, next: None }
    }

    #[inline]
    fn size(&self) -> usize {
        self.size
    }

    #[inline]
    fn set_size(&mut self, size: usize) {
        self.size = size;
    }

    #[inline]
    fn status(&self) -> Status {
        self.status
    }

    #[inline]
    fn is_free(&self) -> bool {
        self.status == Status::FREE && self.note <= PENDING
    }

    #[inline]
    fn is_live(&self, address: usize) -> bool {
        self.status == Status::ALLOC && self.note == tag(address)
    }

    #[inline]
    fn is_cached(&self, address: usize) -> bool {
        self.status == Status::CACHED && self.note == tag(address)
    }

    #[inline]
    fn set_live(&mut self, address: usize) {
        (self.status, self.note) = (Status::ALLOC, tag(address));
    }

    #[inline]
    fn set_cached(&mut self, address: usize) {
        (self.status, self.note) = (Status::CACHED, tag(address));
    }

    #[inline]
    fn set_free(&mut self, pending: bool) {
        (self.status, self.note) = (Status::FREE, if pending { PENDING } else { 0 });
    }

    #[inline]
    fn is_pending(&self) -> bool {
        self.note == PENDING
    }

    #[inline]
    fn prev(&self, _: Base) -> Option<Block<Self>> {
        self.prev
    }

    #[inline]
    fn next(&self, _: Base) -> Option<Block<Self>> {
        self.next
    }

    #[inline]
    fn set_prev(&mut self, block: Option<Block<Self>>, _: Base) {
        self.prev = block;
    }

    #[inline]
    fn set_next(&mut self, block: Option<Block<Self>>, _: Base) {
        self.next = block;
    }

    fn can_map(_: usize) -> bool {
        true
    }

    fn left(&self) -> Option<Block<Self>> {
        self.prev
    }

    fn right(&self) -> Option<Block<Self>> {
        self.next
    }

    fn set_left(&mut self, block: Option<Block<Self>>) {
        self.prev = block;
    }

    fn set_right(&mut self, block: Option<Block<Self>>) {
        self.next = block;
    }
}
