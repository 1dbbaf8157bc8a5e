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
#![expect(unsafe_code, reason = "fields of a header are raw memory, and a link becomes a block again")]

use super::header::Fields;
use super::{Base, Block, Header, Status, tag};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

/// The header in 16 bytes; payloads are aligned to `ALIGNMENT`, which is 8 or 16.
#[derive(Debug)]
#[repr(C)]
pub struct Compact<const ALIGNMENT: usize> {
    state: AtomicU32,
    size: AtomicU32,
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

    #[inline]
    fn state_at<'a>(block: Block<Self>) -> &'a AtomicU32 {
        // SAFETY: H1, the place of a header; callers use the reference at once, to this atomic field alone.
        unsafe { &(*block.place()).state }
    }

    #[inline]
    fn size_at<'a>(block: Block<Self>) -> &'a AtomicU32 {
        // SAFETY: as in `state_at`.
        unsafe { &(*block.place()).size }
    }

    #[inline]
    fn state(block: Block<Self>) -> u32 {
        Self::state_at(block).load(Ordering::Relaxed)
    }

    #[inline]
    fn set_state(block: Block<Self>, state: u32) {
        Self::state_at(block).store(state, Ordering::Relaxed);
    }

    /// The numbers of the two links.
    #[inline]
    fn links(block: Block<Self>) -> (u32, u32) {
        // SAFETY: H1, the place of a header, of which only links are touched; they are reached under the lock alone.
        unsafe { ((&raw const (*block.place()).prev).read(), (&raw const (*block.place()).next).read()) }
    }

    #[inline]
    fn set_prev_number(block: Block<Self>, number: u32) {
        // SAFETY: as in `links`.
        unsafe { (&raw mut (*block.place()).prev).write(number) }
    }

    #[inline]
    fn set_next_number(block: Block<Self>, number: u32) {
        // SAFETY: as in `links`.
        unsafe { (&raw mut (*block.place()).next).write(number) }
    }

    /// A mapping's two words.
    fn words(block: Block<Self>) -> (u64, u64) {
        let word = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        let (prev, next) = Self::links(block);
        (word(Self::state(block), Self::size_at(block).load(Ordering::Relaxed)), word(prev, next))
    }

    #[expect(clippy::cast_possible_truncation, reason = "each half of a word is a field")]
    fn set_words(block: Block<Self>, first: u64, second: u64) {
        let () = Self::SUPPORTED;
        Self::set_state(block, first as u32);
        Self::size_at(block).store((first >> 32) as u32, Ordering::Relaxed);
        Self::set_prev_number(block, second as u32);
        Self::set_next_number(block, (second >> 32) as u32);
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
}

impl<const ALIGNMENT: usize> Fields for Compact<ALIGNMENT> {
    const HAS_ROOM: bool = false;

    #[inline]
    fn write_free(block: Block<Self>, size: usize, prev: Option<Block<Self>>, next: Option<Block<Self>>, base: Base) {
        Self::set_free(block, false);
        Self::set_size(block, size);
        Self::set_prev(block, prev, base);
        Self::set_next(block, next, base);
    }

    fn write_mapping(block: Block<Self>, size: usize) {
        debug_assert!((size as u64) / 8 <= mask(SIZE_BITS));
        Self::set_words(block, (size as u64 / 8) << SIZE_AT | 2, 0);
    }

    #[inline]
    fn size(block: Block<Self>) -> usize {
        if Self::state(block) & STATUS == 2 {
            let units = Self::words(block).0 >> SIZE_AT & mask(SIZE_BITS);
            let units = units as usize;
            return units * 8;
        }
        Self::heap_size(block)
    }

    #[inline]
    fn heap_size(block: Block<Self>) -> usize {
        Self::size_at(block).load(Ordering::Relaxed) as usize * ALIGNMENT
    }

    #[inline]
    fn set_size(block: Block<Self>, size: usize) {
        debug_assert!(size < Self::SPAN, "H8");
        #[expect(clippy::cast_possible_truncation, reason = "the span keeps it below 2^32 (H8)")]
        let units = (size / ALIGNMENT) as u32;
        Self::size_at(block).store(units, Ordering::Relaxed);
    }

    #[inline]
    fn status(block: Block<Self>) -> Status {
        Status((Self::state(block) & STATUS).cast_signed())
    }

    #[inline]
    fn is_free(block: Block<Self>) -> bool {
        Self::state(block) & !PENDING == 0
    }

    #[inline]
    fn is_live(block: Block<Self>) -> bool {
        Self::state(block) == tag(block.address()) & TAG | 1
    }

    #[inline]
    fn is_cached(block: Block<Self>) -> bool {
        Self::state(block) == tag(block.address()) & TAG | 3
    }

    #[inline]
    fn is_pending(block: Block<Self>) -> bool {
        Self::state(block) == PENDING
    }

    #[inline]
    fn set_live(block: Block<Self>) {
        Self::set_state(block, tag(block.address()) & TAG | 1);
    }

    #[inline]
    fn set_cached(block: Block<Self>) {
        Self::set_state(block, tag(block.address()) & TAG | 3);
    }

    #[inline]
    fn set_free(block: Block<Self>, pending: bool) {
        Self::set_state(block, if pending { PENDING } else { 0 });
    }

    #[inline]
    fn set_waiting(block: Block<Self>, _: u32) {
        Self::set_free(block, true);
    }

    #[inline]
    fn waiting(_: Block<Self>) -> Option<u32> {
        None
    }

    #[inline]
    fn prev(block: Block<Self>, base: Base) -> Option<Block<Self>> {
        base.block(Self::links(block).0)
    }

    #[inline]
    fn next(block: Block<Self>, base: Base) -> Option<Block<Self>> {
        base.block(Self::links(block).1)
    }

    #[inline]
    fn set_prev(block: Block<Self>, prev: Option<Block<Self>>, base: Base) {
        Self::set_prev_number(block, prev.map_or(0, |prev| base.number(prev).get()));
    }

    #[inline]
    fn set_next(block: Block<Self>, next: Option<Block<Self>>, base: Base) {
        Self::set_next_number(block, next.map_or(0, |next| base.number(next).get()));
    }

    fn can_map(address: usize) -> bool {
        let stands_well = [0, PAGE - Self::BYTES].contains(&(address % PAGE));
        stands_well && (address / PAGE * 2) as u64 <= mask(LINK_BITS)
    }

    fn left(block: Block<Self>) -> Option<Block<Self>> {
        Self::linked(Self::words(block).1 & mask(LINK_BITS))
    }

    fn right(block: Block<Self>) -> Option<Block<Self>> {
        let (first, second) = Self::words(block);
        Self::linked(second >> LINK_BITS | first >> HIGH_AT << LOW_BITS)
    }

    fn set_left(block: Block<Self>, left: Option<Block<Self>>) {
        let (first, second) = Self::words(block);
        Self::set_words(block, first, second & !mask(LINK_BITS) | Self::link(left));
    }

    fn set_right(block: Block<Self>, right: Option<Block<Self>>) {
        let (first, second) = Self::words(block);
        let link = Self::link(right);
        Self::set_words(
            block,
            first & mask(HIGH_AT) | link >> LOW_BITS << HIGH_AT,
            second & mask(LINK_BITS) | link << LINK_BITS,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::UnsafeCell;

    /// Room for one header, at the beginning of a page.
    #[repr(align(4096))]
    struct Room(UnsafeCell<[u64; 2]>);

    impl Room {
        const fn new() -> Self {
            Self(UnsafeCell::new([0; 2]))
        }

        fn start(&self) -> NonNull<u8> {
            NonNull::from(&self.0).cast()
        }
    }

    fn at(address: usize) -> Block<Compact<16>> {
        // SAFETY: never read, only linked.
        unsafe { Block::at(NonNull::new(ptr::without_provenance_mut(address)).unwrap_or(NonNull::dangling())) }
    }

    #[test]
    fn a_mapping_keeps_its_size_and_links_apart() {
        let room = Room::new();
        // SAFETY: the room outlives the block, which is never used beyond its header.
        let block = unsafe { Block::<Compact<16>>::write_mapping(room.start(), (1 << 47) + 8) };
        let (low, high) = (at(0x7fff_ffff_f000), at(0x7fff_fffe_eff0));
        block.set_left(Some(low));
        block.set_right(Some(high));
        assert_eq!((block.left(), block.right()), (Some(low), Some(high)));
        assert_eq!((block.size(), block.status()), ((1 << 47) + 8, Status::MAPPED));
        block.set_left(None);
        assert_eq!((block.left(), block.right(), block.size()), (None, Some(high), (1 << 47) + 8));
        block.set_right(None);
        assert_eq!((block.left(), block.right(), block.size()), (None, None, (1 << 47) + 8));
    }

    #[test]
    fn a_mapping_beyond_48_bits_cannot_be_linked() {
        assert!(Compact::<16>::can_map((1 << 48) - PAGE));
        assert!(!Compact::<16>::can_map(1 << 48));
        assert!(!Compact::<16>::can_map(PAGE + 64), "neither at the beginning of a page nor at its end");
    }

    #[test]
    fn a_live_header_is_known_by_its_place() {
        let rooms = [Room::new(), Room::new()];
        let [block, other] = rooms.each_ref().map(|room| {
            // SAFETY: the room outlives the block, which is never used beyond its header.
            unsafe { Block::<Compact<8>>::write_free(room.start(), 64, (None, None), Base::NONE) }
        });
        block.set_live();
        assert!(block.is_live() && !block.is_cached());
        // As if a program had copied the header.
        Compact::set_state(other, Compact::state(block));
        assert!(!other.is_live() && !other.is_cached());
        block.set_cached();
        assert!(block.is_cached() && !block.is_live());
        block.set_free(true);
        assert!(block.is_pending() && block.status() == Status::FREE && block.size() == 64);
    }
}
