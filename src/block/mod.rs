//! One block: a header, and right behind it the payload that the caller gets.
//!
//! What the header looks like is a type, chosen when a program is compiled: [`Full`] is the contract's, of 32 bytes, and
//! [`Compact`] has the same in 16. The blocks of the heap are linked in address order. A mapping is no part of that list;
//! its two links are those of the registry's tree ([`mapped`](crate::mapped)).
//!
//! This module reads and writes single headers and moves the bytes of payloads; which block is linked to which, and how
//! large it is, is decided by [`list`](crate::list), and for mappings by [`mapped`](crate::mapped).
//!
//! # Who reads and writes what
//!
//! Size and status are atomics, accessed in any order (*relaxed*): the owner of a block, or the thread that keeps it,
//! reads both and changes the status without the lock, while another thread, which holds the lock, looks at the block as
//! a neighbour. All links are changed and read under the lock alone, and so is a size. As one thread may write a link of
//! a header while another reads its size, no reference to a whole header is formed: each field is reached by itself.
#![expect(unsafe_code, reason = "headers and payloads are raw memory")]

mod compact;
mod full;
mod header;

pub use compact::Compact;
pub use full::Full;
pub use header::Header;

use std::fmt;
use std::num::NonZeroU32;
use std::ptr::{self, NonNull};

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
    /// A block of the heap that a thread keeps for its next request ([`process`](crate::process)); nobody owns it, and
    /// it is not merged. The four functions of the contract never make one.
    pub const CACHED: Self = Self(3);
}

/// Where a layout's 32-bit numbers count from: the first block of the heap.
#[derive(Clone, Copy, Debug)]
pub struct Base(*mut u8);

impl Base {
    pub(crate) const NONE: Self = Self(ptr::null_mut());

    pub(crate) const fn at(start: NonNull<u8>) -> Self {
        Self(start.as_ptr())
    }

    /// The address that offset 0 stands for.
    #[inline]
    pub(crate) fn address(self) -> usize {
        self.0.addr()
    }

    /// The place of an address, which is not 0.
    #[inline]
    pub(crate) fn at_address(self, address: usize) -> NonNull<u8> {
        let place = self.0.wrapping_byte_add(address.wrapping_sub(self.address()));
        NonNull::new(place).unwrap_or(NonNull::dangling())
    }

    /// The block's number: how many units of the layout's alignment lie before it, and one. A link that is 0 leads to no
    /// block.
    #[inline]
    pub(crate) fn number<H: Header>(self, block: Block<H>) -> NonZeroU32 {
        let units = block.address().wrapping_sub(self.address()) / H::ALIGNMENT;
        debug_assert!(units < H::SPAN / H::ALIGNMENT, "H8: a block of the heap lies within the span");
        #[expect(clippy::cast_possible_truncation, reason = "the span keeps it below 2^32 (H8)")]
        let units = units as u32;
        NonZeroU32::MIN.saturating_add(units)
    }

    /// The block of that number, if it is one.
    #[inline]
    pub(crate) fn block<H: Header>(self, number: u32) -> Option<Block<H>> {
        NonZeroU32::new(number).map(|number| self.numbered(number))
    }

    /// The block of that number.
    #[inline]
    pub(crate) fn numbered<H: Header>(self, number: NonZeroU32) -> Block<H> {
        let units = number.get() as usize - 1;
        let place = self.0.wrapping_byte_add(units * H::ALIGNMENT).cast::<H>();
        // SAFETY: H1 and H8, numbers are only ever made by `number`, of headers of ours, which do not lie at 0.
        unsafe { Block::at(NonNull::new_unchecked(place)) }
    }
}

/// What marks the header at `address` as one of ours while it has an owner. It is there to tell a block from other bytes
/// of the heap without a walk; a program that writes over headers on purpose can copy it.
#[inline]
fn tag(address: usize) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "the low half of the unit's number is enough")]
    let low = (address / 8) as u32;
    low.wrapping_mul(0x9e37_79b1).rotate_left(15) ^ 0x5a96_c3e1
}

/// The place of one header.
///
/// Only [`list`](crate::list) and [`mapped`](crate::mapped) make one, for a header they have written. It is held no
/// longer than that header exists: until the block is merged into the one before it or its memory is given back. None
/// outlives the call that found it, save in the links.
#[repr(transparent)]
pub struct Block<H>(NonNull<H>);

impl<H> Clone for Block<H> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for Block<H> {}

impl<H> PartialEq for Block<H> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<H> Eq for Block<H> {}

impl<H> fmt::Debug for Block<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({:p})", self.0)
    }
}

impl<H: Header> Block<H> {
    /// Takes `header` for the place of a header. Any bytes are one; whether it is one of ours shows when it is looked at.
    ///
    /// # Safety
    ///
    /// `header` must be aligned, and the bytes of a header there readable for as long as the value is used. To change
    /// them, the header must be one of ours (H1).
    #[inline]
    pub(crate) const unsafe fn at(header: NonNull<H>) -> Self {
        Self(header)
    }

    /// Writes the header of a free block with `size` bytes of payload at the beginning of `place`, linked to `prev` and
    /// `next`.
    ///
    /// # Safety
    ///
    /// `place` must be aligned, and the bytes of the whole block must be ours alone.
    #[inline]
    pub(crate) unsafe fn write_free(
        place: NonNull<u8>,
        size: usize,
        (prev, next): (Option<Self>, Option<Self>),
        base: Base,
    ) -> Self {
        // SAFETY: the caller vouches for the place.
        let block = unsafe { Self::at(place.cast()) };
        H::write_free(block, size, prev, next, base);
        block
    }

    /// Writes the header of a mapping with `size` bytes of payload at `place`, linked to no other.
    ///
    /// # Safety
    ///
    /// As for [`write_free`](Self::write_free), and the layout must allow a mapping's header there.
    pub(crate) unsafe fn write_mapping(place: NonNull<u8>, size: usize) -> Self {
        // SAFETY: the caller vouches for the place.
        let block = unsafe { Self::at(place.cast()) };
        H::write_mapping(block, size);
        block
    }

    /// The place of the header, for the layouts: they form no reference to more than one field.
    #[inline]
    const fn place(self) -> *mut H {
        self.0.as_ptr()
    }

    /// The first byte of the header.
    #[inline]
    pub(crate) const fn start(self) -> NonNull<u8> {
        self.0.cast()
    }

    /// The header's address, where the block begins.
    #[inline]
    pub(crate) fn address(self) -> usize {
        self.0.addr().get()
    }

    /// The address right behind the payload of a block of the heap, where the block ends.
    #[inline]
    pub(crate) fn end(self) -> usize {
        // A header that a program has written over may say any size.
        self.address().wrapping_add(H::BYTES).wrapping_add(self.heap_size())
    }

    /// The address right behind the payload of a mapping.
    pub(crate) fn mapping_end(self) -> usize {
        self.address().wrapping_add(H::BYTES).wrapping_add(self.size())
    }

    /// Bytes in the payload.
    #[inline]
    pub(crate) fn size(self) -> usize {
        H::size(self)
    }

    /// Bytes in the payload of a block of the heap, of which it is known that it is no mapping.
    #[inline]
    pub(crate) fn heap_size(self) -> usize {
        H::heap_size(self)
    }

    /// Changes the size of a block of the heap.
    #[inline]
    pub(crate) fn set_size(self, size: usize) {
        H::set_size(self, size);
    }

    /// What the block is used for.
    #[inline]
    pub(crate) fn status(self) -> Status {
        H::status(self)
    }

    /// Whether the block has no owner, and nothing else is said.
    #[inline]
    pub(crate) fn is_free(self) -> bool {
        H::is_free(self)
    }

    /// Whether a caller owns the block: its header carries the tag of just this place.
    #[inline]
    pub(crate) fn is_live(self) -> bool {
        H::is_live(self)
    }

    /// Whether a thread keeps the block: its header carries the tag of just this place.
    #[inline]
    pub(crate) fn is_cached(self) -> bool {
        H::is_cached(self)
    }

    /// Whether the block is free and still is to be merged.
    #[inline]
    pub(crate) fn is_pending(self) -> bool {
        H::is_pending(self)
    }

    /// Returns whether the block is pending and linked in its payload.
    #[inline]
    pub(crate) fn is_listed(self) -> bool {
        self.is_pending() && self.waiting().is_none()
    }

    /// Returns the link of a pending block that is linked in its header: a number, or 0 where it leads to none.
    #[inline]
    pub(crate) fn waiting(self) -> Option<u32> {
        H::waiting(self)
    }

    /// Marks the block as free and pending, with a link in its header.
    #[inline]
    pub(crate) fn set_waiting(self, behind: u32) {
        H::set_waiting(self, behind);
    }

    /// A caller owns the block from now on.
    #[inline]
    pub(crate) fn set_live(self) {
        H::set_live(self);
    }

    /// A thread keeps the block from now on.
    #[inline]
    pub(crate) fn set_cached(self) {
        H::set_cached(self);
    }

    /// The block is free from now on; `pending` says whether it still is to be merged.
    #[inline]
    pub(crate) fn set_free(self, pending: bool) {
        H::set_free(self, pending);
    }

    /// The neighbour towards the list's beginning.
    #[inline]
    pub(crate) fn prev(self, base: Base) -> Option<Self> {
        H::prev(self, base)
    }

    /// The neighbour towards the list's end.
    #[inline]
    pub(crate) fn next(self, base: Base) -> Option<Self> {
        H::next(self, base)
    }

    /// Changes the neighbour towards the list's beginning.
    #[inline]
    pub(crate) fn set_prev(self, prev: Option<Self>, base: Base) {
        H::set_prev(self, prev, base);
    }

    /// Changes the neighbour towards the list's end.
    #[inline]
    pub(crate) fn set_next(self, next: Option<Self>, base: Base) {
        H::set_next(self, next, base);
    }

    /// Whether a mapping's header may stand at `address`.
    pub(crate) fn can_map(address: usize) -> bool {
        H::can_map(address)
    }

    /// The link of a mapping to those below it.
    pub(crate) fn left(self) -> Option<Self> {
        H::left(self)
    }

    /// The link of a mapping to those above it.
    pub(crate) fn right(self) -> Option<Self> {
        H::right(self)
    }

    /// Changes the link of a mapping to those below it.
    pub(crate) fn set_left(self, left: Option<Self>) {
        H::set_left(self, left);
    }

    /// Changes the link of a mapping to those above it.
    pub(crate) fn set_right(self, right: Option<Self>) {
        H::set_right(self, right);
    }

    /// The first byte of the payload.
    #[inline]
    pub(crate) const fn payload(self) -> NonNull<u8> {
        // SAFETY: H1 and H3, the payload follows the header in the same memory and is not empty.
        unsafe { self.0.cast::<u8>().add(H::BYTES) }
    }

    /// Makes the payload's first `bytes` bytes zero (R17).
    pub(crate) fn zero_first(self, bytes: usize) {
        let bytes = bytes.min(self.size());
        // SAFETY: H1, the payload is `size` bytes of ours; the caller of `calloc` does not have it yet.
        unsafe { self.payload().write_bytes(0, bytes) }
    }

    /// Copies the first `bytes` bytes of another payload into this one (R17); both must be that long.
    pub(crate) fn copy_from(self, other: Self, bytes: usize) {
        debug_assert!(bytes <= self.size() && bytes <= other.size(), "a copy stays inside both payloads");
        // SAFETY: H1 and H2, two payloads of ours that do not overlap, both at least `bytes` long.
        unsafe { self.payload().copy_from_nonoverlapping(other.payload(), bytes) }
    }
}
