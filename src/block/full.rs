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
//! to padding, hold the tag of an owned block, and of a free one whether it still is to be merged, or a link. Both are one atomic word.

#![expect(unsafe_code, reason = "fields of a header are raw memory")]

use super::header::Fields;
use super::{Base, Block, Header, Status, tag};
use crate::size::{ALIGNMENT, HEADER};
use std::mem::offset_of;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The contract's header: 32 bytes, payloads aligned to 8.
#[derive(Debug)]
#[repr(C)]
pub struct Full {
    size: AtomicUsize,
    /// The status, and behind it the note ([`state`]).
    state: AtomicU64,
    /// A mapping's link to those below it.
    prev: Option<Block<Self>>,
    /// A mapping's link to those above it.
    next: Option<Block<Self>>,
}

const _: () = assert!(size_of::<Full>() == HEADER, "the header must take 32 bytes: osmem needs a 64-bit target");
const _: () = assert!(align_of::<Full>() <= ALIGNMENT, "a header may stand wherever a payload ends");
const _: () = assert!(HEADER.is_multiple_of(ALIGNMENT), "a payload behind an aligned header is aligned");
const _: () = assert!(offset_of!(Full, state) == 8 && offset_of!(Full, prev) == 16, "the C structure's places");

/// The note of a free block that still is to be merged and is linked in its payload. Any other note but 0 is the link in
/// the header of one that is pending as well; numbers of blocks are smaller than both (H8).
const PENDING: u32 = u32::MAX;
/// The link to no block.
const NOBODY: u32 = u32::MAX - 1;

/// Four bytes of status, and behind them four bytes of note: an owned block's tag, or whether and how a free one is pending.
#[inline]
const fn state(status: Status, note: u32) -> u64 {
    let (status, note) = (status.0.cast_unsigned() as u64, note as u64);
    if cfg!(target_endian = "little") { status | note << 32 } else { status << 32 | note }
}

impl Full {
    #[inline]
    fn size_at<'a>(block: Block<Self>) -> &'a AtomicUsize {
        // SAFETY: H1, the place of a header; callers use the reference at once, to this atomic field alone.
        unsafe { &(*block.place()).size }
    }

    #[inline]
    fn state_at<'a>(block: Block<Self>) -> &'a AtomicU64 {
        // SAFETY: as in `size_at`.
        unsafe { &(*block.place()).state }
    }

    #[inline]
    fn state(block: Block<Self>) -> u64 {
        Self::state_at(block).load(Ordering::Relaxed)
    }

    #[inline]
    fn note(block: Block<Self>) -> u32 {
        let state = Self::state(block);
        #[expect(clippy::cast_possible_truncation, reason = "half of the word")]
        let note = if cfg!(target_endian = "little") { (state >> 32) as u32 } else { state as u32 };
        note
    }

    #[inline]
    fn set_state(block: Block<Self>, status: Status, note: u32) {
        Self::state_at(block).store(state(status, note), Ordering::Relaxed);
    }

    #[inline]
    fn set_links(block: Block<Self>, prev: Option<Block<Self>>, next: Option<Block<Self>>) {
        Self::set_left(block, prev);
        Self::set_right(block, next);
    }
}

impl Header for Full {
    const BYTES: usize = HEADER;
    const ALIGNMENT: usize = ALIGNMENT;
    const SPAN: usize = 32 << 30;
}

impl Fields for Full {
    const HAS_ROOM: bool = true;

    #[inline]
    fn write_free(block: Block<Self>, size: usize, prev: Option<Block<Self>>, next: Option<Block<Self>>, _: Base) {
        Self::set_size(block, size);
        Self::set_free(block, false);
        Self::set_links(block, prev, next);
    }

    fn write_mapping(block: Block<Self>, size: usize) {
        Self::set_size(block, size);
        Self::set_state(block, Status::MAPPED, 0);
        Self::set_links(block, None, None);
    }

    #[inline]
    fn size(block: Block<Self>) -> usize {
        Self::heap_size(block)
    }

    #[inline]
    fn heap_size(block: Block<Self>) -> usize {
        Self::size_at(block).load(Ordering::Relaxed)
    }

    #[inline]
    fn set_size(block: Block<Self>, size: usize) {
        Self::size_at(block).store(size, Ordering::Relaxed);
    }

    #[inline]
    fn status(block: Block<Self>) -> Status {
        let state = Self::state(block);
        #[expect(clippy::cast_possible_truncation, reason = "half of the word")]
        let status = if cfg!(target_endian = "little") { state as u32 } else { (state >> 32) as u32 };
        Status(status.cast_signed())
    }

    #[inline]
    fn is_free(block: Block<Self>) -> bool {
        Self::status(block) == Status::FREE
    }

    #[inline]
    fn is_live(block: Block<Self>) -> bool {
        Self::state(block) == state(Status::ALLOC, tag(block.address()))
    }

    #[inline]
    fn is_cached(block: Block<Self>) -> bool {
        Self::state(block) == state(Status::CACHED, tag(block.address()))
    }

    #[inline]
    fn is_pending(block: Block<Self>) -> bool {
        Self::is_free(block) && Self::note(block) != 0
    }

    #[inline]
    fn set_live(block: Block<Self>) {
        Self::set_state(block, Status::ALLOC, tag(block.address()));
    }

    #[inline]
    fn set_cached(block: Block<Self>) {
        Self::set_state(block, Status::CACHED, tag(block.address()));
    }

    #[inline]
    fn set_free(block: Block<Self>, pending: bool) {
        Self::set_state(block, Status::FREE, if pending { PENDING } else { 0 });
    }

    #[inline]
    fn set_waiting(block: Block<Self>, behind: u32) {
        Self::set_state(block, Status::FREE, if behind == 0 { NOBODY } else { behind });
    }

    #[inline]
    fn waiting(block: Block<Self>) -> Option<u32> {
        match Self::note(block) {
            _ if !Self::is_free(block) => None,
            0 | PENDING => None,
            NOBODY => Some(0),
            behind => Some(behind),
        }
    }

    #[inline]
    fn prev(block: Block<Self>, _: Base) -> Option<Block<Self>> {
        Self::left(block)
    }

    #[inline]
    fn next(block: Block<Self>, _: Base) -> Option<Block<Self>> {
        Self::right(block)
    }

    #[inline]
    fn set_prev(block: Block<Self>, prev: Option<Block<Self>>, _: Base) {
        Self::set_left(block, prev);
    }

    #[inline]
    fn set_next(block: Block<Self>, next: Option<Block<Self>>, _: Base) {
        Self::set_right(block, next);
    }

    fn can_map(_: usize) -> bool {
        true
    }

    #[inline]
    fn left(block: Block<Self>) -> Option<Block<Self>> {
        // SAFETY: H1, the place of a header, of which only links are touched; they are reached under the lock alone.
        unsafe { (&raw const (*block.place()).prev).read() }
    }

    #[inline]
    fn right(block: Block<Self>) -> Option<Block<Self>> {
        // SAFETY: as in `left`.
        unsafe { (&raw const (*block.place()).next).read() }
    }

    #[inline]
    fn set_left(block: Block<Self>, left: Option<Block<Self>>) {
        // SAFETY: as in `left`.
        unsafe { (&raw mut (*block.place()).prev).write(left) }
    }

    #[inline]
    fn set_right(block: Block<Self>, right: Option<Block<Self>>) {
        // SAFETY: as in `left`.
        unsafe { (&raw mut (*block.place()).next).write(right) }
    }
}
