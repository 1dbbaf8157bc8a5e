//! The same header in half the bytes: numbers of 32 bits instead of pointers.
//!
//! ```text
//!   a block of the heap                          a mapping
//!   ┌─────────────┬──────┬──────┬──────┐         ┌────────────────────────┬───────────────────────┐
//!   │ state       │ size │ prev │ next │         │ state, size, right     │ left, right           │
//!   │ 4 bytes     │ 4    │ 4    │ 4    │         │ 8 bytes                │ 8 bytes               │
//!   └─────────────┴──────┴──────┴──────┘         └────────────────────────┴───────────────────────┘
//! ```
//!
//! - `state`: bits 0 and 1 the status, bit 2 whether a free block still is to be merged, and above them the tag of an
//!   owned block.
//! - `size`, `prev` and `next` count in units of the alignment; the links from the base of the heap, and one, so that 0
//!   is nobody.
//! - A mapping's first word: bits 0 to 2 as above, 3 to 47 its size in units of 8, 48 to 57 the high bits of `right`.
//!   Its second word: bits 0 to 36 `left`, 37 to 63 the low bits of `right`. A link is twice the number of the header's
//!   page of 4096 bytes, and one if the header stands at that page's end; a header of a mapping stands nowhere else.
#![expect(unsafe_code, reason = "a link becomes a block again")]

use super::{Base, Block, Header, Status, tag};
use std::ptr::{self, NonNull};

/// The header in 16 bytes; payloads are aligned to `ALIGNMENT`, which is 8 or 16.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Compact<const ALIGNMENT: usize> {
    state: u32,
    size: u32,
    prev: u32,
    next: u32,
}

const _: () = assert!(size_of::<Compact<8>>() == 16, "numbers of 32 bits");

const STATUS: u32 = 3;
const PENDING: u32 = 4;
const TAG: u32 = !7;

/// Of a mapping's words.
const SIZE_AT: u32 = 3;
const SIZE_BITS: u32 = 45;
const HIGH_AT: u32 = SIZE_AT + SIZE_BITS;
const LINK_BITS: u32 = 37;
const LOW_BITS: u32 = 64 - LINK_BITS;

/// The pages by which a mapping's links count, whatever the system's own are: those are no smaller.
const PAGE: usize = 4096;

const fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

impl<const ALIGNMENT: usize> Compact<ALIGNMENT> {
    const SUPPORTED: () = assert!(ALIGNMENT == 8 || ALIGNMENT == 16, "a payload is aligned to 8 or 16 bytes");

    fn words(self) -> (u64, u64) {
        let word = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        (word(self.state, self.size), word(self.prev, self.next))
    }

    #[expect(clippy::cast_possible_truncation, reason = "each half of a word is a field")]
    fn from_words(first: u64, second: u64) -> Self {
        let () = Self::SUPPORTED;
        let (state, size) = (first as u32, (first >> 32) as u32);
        Self { state, size, prev: second as u32, next: (second >> 32) as u32 }
    }

    /// The number by which a mapping is linked; 0 is nobody.
    fn link(block: Option<Block<Self>>) -> u64 {
        let Some(block) = block else { return 0 };
        let address = block.start().as_ptr().expose_provenance();
        (address / PAGE * 2 + usize::from(!address.is_multiple_of(PAGE))) as u64
    }

    fn linked(link: u64) -> Option<Block<Self>> {
        #[expect(clippy::cast_possible_truncation, reason = "an address has 64 bits")]
        let link = link as usize;
        let at_end = if link.is_multiple_of(2) { 0 } else { PAGE - Self::BYTES };
        let place = ptr::with_exposed_provenance_mut::<Self>(link / 2 * PAGE + at_end);
        // SAFETY: H1, links are only ever made by `link`, of headers of ours; 0 is none.
        NonNull::new(place).map(|place| unsafe { Block::at(place) })
    }
}

impl<const ALIGNMENT: usize> Header for Compact<ALIGNMENT> {
    const BYTES: usize = 16;
    const ALIGNMENT: usize = ALIGNMENT;
    const SPAN: usize = ALIGNMENT * (4 << 30);

    #[inline]
    fn free(size: usize) -> Self {
        let mut header = Self { state: 0, size: 0, prev: 0, next: 0 };
        header.set_size(size);
        header
    }

    fn mapping(size: usize) -> Self {
        debug_assert!((size as u64) / 8 <= mask(SIZE_BITS));
        Self::from_words((size as u64 / 8) << SIZE_AT | 2, 0)
    }

    #[inline]
    fn size(&self) -> usize {
        if self.state & STATUS == 2 {
            let units = self.words().0 >> SIZE_AT & mask(SIZE_BITS);
            let units = units as usize;
            return units * 8;
        }
        self.size as usize * ALIGNMENT
    }

    #[inline]
    fn set_size(&mut self, size: usize) {
        debug_assert!(size < Self::SPAN, "H8");
        #[expect(clippy::cast_possible_truncation, reason = "the span keeps it below 2^32 (H8)")]
        let units = (size / ALIGNMENT) as u32;
        self.size = units;
    }

    #[inline]
    fn status(&self) -> Status {
        Status((self.state & STATUS).cast_signed())
    }

    #[inline]
    fn is_free(&self) -> bool {
        self.state & !PENDING == 0
    }

    #[inline]
    fn is_live(&self, address: usize) -> bool {
        self.state == tag(address) & TAG | 1
    }

    #[inline]
    fn is_cached(&self, address: usize) -> bool {
        self.state == tag(address) & TAG | 3
    }

    #[inline]
    fn set_live(&mut self, address: usize) {
        self.state = tag(address) & TAG | 1;
    }

    #[inline]
    fn set_cached(&mut self, address: usize) {
        self.state = tag(address) & TAG | 3;
    }

    #[inline]
    fn set_free(&mut self, pending: bool) {
        self.state = if pending { PENDING } else { 0 };
    }

    #[inline]
    fn is_pending(&self) -> bool {
        self.state == PENDING
    }

    #[inline]
    fn prev(&self, base: Base) -> Option<Block<Self>> {
        base.block(self.prev)
    }

    #[inline]
    fn next(&self, base: Base) -> Option<Block<Self>> {
        base.block(self.next)
    }

    #[inline]
    fn set_prev(&mut self, block: Option<Block<Self>>, base: Base) {
        self.prev = block.map_or(0, |block| base.number(block).get());
    }

    #[inline]
    fn set_next(&mut self, block: Option<Block<Self>>, base: Base) {
        self.next = block.map_or(0, |block| base.number(block).get());
    }

    fn can_map(address: usize) -> bool {
        let stands_well = [0, PAGE - Self::BYTES].contains(&(address % PAGE));
        stands_well && (address / PAGE * 2) as u64 <= mask(LINK_BITS)
    }

    fn left(&self) -> Option<Block<Self>> {
        Self::linked(self.words().1 & mask(LINK_BITS))
    }

    fn right(&self) -> Option<Block<Self>> {
        let (first, second) = self.words();
        Self::linked(second >> LINK_BITS | first >> HIGH_AT << LOW_BITS)
    }

    fn set_left(&mut self, block: Option<Block<Self>>) {
        let (first, second) = self.words();
        *self = Self::from_words(first, second & !mask(LINK_BITS) | Self::link(block));
    }

    fn set_right(&mut self, block: Option<Block<Self>>) {
        let (first, second) = self.words();
        let link = Self::link(block);
        *self = Self::from_words(
            first & mask(HIGH_AT) | link >> LOW_BITS << HIGH_AT,
            second & mask(LINK_BITS) | link << LINK_BITS,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: usize) -> Block<Compact<16>> {
        // SAFETY: never read, only linked.
        unsafe { Block::at(NonNull::new(ptr::without_provenance_mut(address)).unwrap_or(NonNull::dangling())) }
    }

    #[test]
    fn a_mapping_keeps_its_size_and_links_apart() {
        let mut header = Compact::<16>::mapping((1 << 47) + 8);
        let (low, high) = (at(0x7fff_ffff_f000), at(0x7fff_fffe_eff0));
        header.set_left(Some(low));
        header.set_right(Some(high));
        assert_eq!((header.left(), header.right()), (Some(low), Some(high)));
        assert_eq!((header.size(), header.status()), ((1 << 47) + 8, Status::MAPPED));
        header.set_left(None);
        assert_eq!((header.left(), header.right(), header.size()), (None, Some(high), (1 << 47) + 8));
        header.set_right(None);
        assert_eq!((header.left(), header.right(), header.size()), (None, None, (1 << 47) + 8));
    }

    #[test]
    fn a_mapping_beyond_48_bits_cannot_be_linked() {
        assert!(Compact::<16>::can_map((1 << 48) - PAGE));
        assert!(!Compact::<16>::can_map(1 << 48));
        assert!(!Compact::<16>::can_map(PAGE + 64), "neither at the beginning of a page nor at its end");
    }

    #[test]
    fn a_live_header_is_known_by_its_place() {
        let mut header = Compact::<8>::free(64);
        header.set_live(0x1000);
        assert!(header.is_live(0x1000) && !header.is_live(0x1008) && !header.is_cached(0x1000));
        header.set_cached(0x1000);
        assert!(header.is_cached(0x1000) && !header.is_live(0x1000));
        header.set_free(true);
        assert!(header.is_pending() && header.status() == Status::FREE && header.size() == 64);
    }
}
