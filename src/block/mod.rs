//! One block: a header, and right behind it the payload that the caller gets.
//!
//! What the header looks like is a type, chosen when a program is compiled: [`Full`] is the contract's, of 32 bytes, and
//! [`Compact`] has the same in 16. The blocks of the heap are linked in address order. A mapping is no part of that list;
//! its two links are those of the registry's tree ([`mapped`](crate::mapped)).
//!
//! This module reads and writes single headers and moves the bytes of payloads; which block is linked to which, and how
//! large it is, is decided by [`list`](crate::list), and for mappings by [`mapped`](crate::mapped).
#![expect(unsafe_code, reason = "headers and payloads are raw memory")]

mod compact;
mod full;

pub use compact::Compact;
pub use full::Full;

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

/// The layout of a header: two exist, [`Full`] and [`Compact`].
///
/// The methods work on one header alone. `prev` and `next` are the neighbours in the list, `left` and `right` the links
/// of a mapping.
pub trait Header: Copy + fmt::Debug + 'static + sealed::Sealed {
    /// Bytes of the header.
    const BYTES: usize;
    /// Every payload address and every block's size is a multiple of this many bytes.
    const ALIGNMENT: usize;
    /// How many bytes from its first block to its end the heap may have. Growth beyond is refused (R15), as if by the
    /// system.
    const SPAN: usize;
    /// The smallest block there is (R6).
    const SMALLEST_BLOCK: usize = Self::BYTES + Self::ALIGNMENT;

    /// The header of a free block of the heap that is linked to nobody.
    fn free(size: usize) -> Self;
    /// The header of a mapping with `size` bytes of payload.
    fn mapping(size: usize) -> Self;

    /// Bytes in the payload.
    fn size(&self) -> usize;
    /// Of a block of the heap.
    fn set_size(&mut self, size: usize);

    /// What the block is used for.
    fn status(&self) -> Status;
    /// Whether nobody owns the block, and nothing else is said.
    fn is_free(&self) -> bool;
    /// Whether this is the header of a block that a caller owns, written for a header at `address`.
    fn is_live(&self, address: usize) -> bool;
    /// Whether this is the header of a block that a thread keeps, written for a header at `address`.
    fn is_cached(&self, address: usize) -> bool;
    /// A caller owns the block from now on.
    fn set_live(&mut self, address: usize);
    /// A thread keeps the block from now on.
    fn set_cached(&mut self, address: usize);
    /// Nobody owns the block from now on; whether it still is to be merged.
    fn set_free(&mut self, pending: bool);
    /// Whether a free block still is to be merged.
    fn is_pending(&self) -> bool;

    /// The neighbour towards the list's beginning.
    fn prev(&self, base: Base) -> Option<Block<Self>>;
    /// The neighbour towards the list's end.
    fn next(&self, base: Base) -> Option<Block<Self>>;
    /// Changes the neighbour towards the list's beginning.
    fn set_prev(&mut self, block: Option<Block<Self>>, base: Base);
    /// Changes the neighbour towards the list's end.
    fn set_next(&mut self, block: Option<Block<Self>>, base: Base);

    /// Whether a mapping's header may stand at `address`.
    fn can_map(address: usize) -> bool;
    /// The link of a mapping to those below it.
    fn left(&self) -> Option<Block<Self>>;
    /// The link of a mapping to those above it.
    fn right(&self) -> Option<Block<Self>>;
    /// Changes the link to those below.
    fn set_left(&mut self, block: Option<Block<Self>>);
    /// Changes the link to those above.
    fn set_right(&mut self, block: Option<Block<Self>>);
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Full {}
    impl<const ALIGNMENT: usize> Sealed for super::Compact<ALIGNMENT> {}
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
    /// # Safety
    ///
    /// A header must have been written at `header`, in memory that is ours (H1) and stays so for as long as the value
    /// is used.
    #[inline]
    pub(crate) const unsafe fn at(header: NonNull<H>) -> Self {
        Self(header)
    }

    /// Writes a header at the beginning of `place`.
    ///
    /// # Safety
    ///
    /// `place` must be aligned, and the bytes of the block that `header` describes must be ours alone.
    #[inline]
    pub(crate) unsafe fn write(place: NonNull<u8>, header: H) -> Self {
        let place = place.cast::<H>();
        // SAFETY: the caller vouches for the place; the header stands there from now on.
        unsafe {
            place.write(header);
            Self::at(place)
        }
    }

    /// The header itself.
    #[inline]
    pub(crate) fn header(&self) -> &H {
        // SAFETY: H1, a `Block` is the place of a header of ours; nobody changes it meanwhile.
        unsafe { self.0.as_ref() }
    }

    /// The header itself, to be changed.
    #[inline]
    pub(crate) fn header_mut(&mut self) -> &mut H {
        // SAFETY: as in `header`.
        unsafe { self.0.as_mut() }
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

    /// The address right behind the payload, where the block ends.
    #[inline]
    pub(crate) fn end(self) -> usize {
        // A header that a program has written over may say any size.
        self.address().wrapping_add(H::BYTES).wrapping_add(self.size())
    }

    /// Bytes in the payload.
    #[inline]
    pub(crate) fn size(self) -> usize {
        self.header().size()
    }

    /// What the block is used for.
    #[inline]
    pub(crate) fn status(self) -> Status {
        self.header().status()
    }

    /// A caller owns the block from now on.
    #[inline]
    pub(crate) fn set_live(mut self) {
        let address = self.address();
        self.header_mut().set_live(address);
    }

    /// A thread keeps the block from now on.
    #[inline]
    pub(crate) fn set_cached(mut self) {
        let address = self.address();
        self.header_mut().set_cached(address);
    }

    /// Whether nobody owns the block.
    #[inline]
    pub(crate) fn is_free(self) -> bool {
        self.header().is_free()
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
