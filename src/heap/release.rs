//! Pages of free blocks go back to the system: those at the end of the heap at once, those between blocks in use after a
//! while. The blocks stay where they are; their pages read as zero when they are used again.
//!
//! A *large* free block keeps a record in its payload of the pages that hold nothing (`Pages`); the others are *dirty*. Dirty
//! bytes may wait up to a limit, which grows when what was given back is needed again, and shrinks with time. What is
//! beyond goes back soon, and so do the dirty pages of a block that no other was cut from for [`WAIT`] frees. Time is counted in frees: a heap that is left alone gives nothing back.
#![expect(unsafe_code, reason = "a record in the payload of a free block")]

use super::Heap;
use crate::block::{Block, Header};
use crate::policy::{LARGEST_ADAPTIVE, Policy};
use crate::sys::Sys;
use std::num::NonZeroU32;

/// Free blocks with more bytes than this are large.
const LARGE: usize = 16 << 10;
/// Frees after which an untouched large block gives its pages back.
const WAIT: u32 = 1 << 16;
/// Frees between two looks at large blocks, a power of two.
const RULE: u32 = 512;
/// Large blocks that are looked at in one call: as a rule, and while too much is dirty.
const LOOKS: u32 = 4;
const LOOKS_IN_NEED: u32 = 64;
/// Bytes that one call gives back: as a rule, and while too much is dirty.
const MOST: usize = 256 << 10;
const MOST_IN_NEED: usize = 1 << 20;
/// Fewer dirty bytes of a block are not worth a system call: of one that has waited long enough, and of another.
const LEAST: usize = 16 << 10;
const LEAST_IN_NEED: usize = 24 << 10;
/// Dirty bytes that always may wait.
const ALWAYS: usize = 512 << 10;
/// Frees after which half of the reserve is given up, a power of two.
const HALF_LIFE: u32 = 1 << 20;
/// Where the record lies in the payload: behind the links of the index.
const RECORD: usize = 16;

/// The pages of a large free block that are known to hold nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
struct Pages {
    /// Between these two addresses all pages hold nothing; none do if they are equal.
    from: usize,
    to: usize,
    /// The time at which a block was last cut from it.
    since: u32,
}

/// The memory that one heap has given back, and that still waits.
#[derive(Debug)]
pub(super) struct Release {
    is_on: bool,
    /// Bytes of the system's pages.
    pub(super) page: usize,
    /// The time: the number of blocks that were freed.
    now: u32,
    /// Bytes of all blocks in the index, and dirty bytes of the large ones among them.
    indexed: usize,
    dirty: usize,
    /// Bytes that were given back and not needed again so far.
    given: usize,
    /// Bytes that were given back and needed again, of late.
    missed: usize,
    /// Dirty bytes that may wait, since as many were missed.
    reserve: usize,
    /// The pages that are known to hold nothing, of the block that is being merged or given away.
    known: Pages,
    /// The large block that was looked at last: its size and number.
    cursor: Option<(usize, NonZeroU32)>,
    /// The time at which a block was last cut from the end of the heap.
    top_since: u32,
}

impl Pages {
    const NONE: Self = Self { from: 0, to: 0, since: 0 };

    const fn bytes(self) -> usize {
        self.to - self.from
    }

    /// Returns those between two addresses.
    fn within(self, (start, end): (usize, usize)) -> Self {
        let (from, to) = (self.from.max(start), self.to.min(end));
        if from < to { Self { from, to, ..self } } else { Self { since: self.since, ..Self::NONE } }
    }

    /// Returns the longer of two runs of pages: a block that was merged from two remembers one.
    const fn or(self, other: Self) -> Self {
        if self.bytes() >= other.bytes() { self } else { other }
    }
}

impl Release {
    pub(super) const fn new(policy: &Policy) -> Self {
        Self {
            is_on: policy.trim != usize::MAX,
            page: 4096, // until the heap begins
            now: 0,
            indexed: 0,
            dirty: 0,
            given: 0,
            missed: 0,
            reserve: 0,
            known: Pages::NONE,
            cursor: None,
            top_since: 0,
        }
    }

    /// Returns whether memory ever goes back, so that large blocks keep records.
    #[inline]
    pub(super) const fn is_on(&self) -> bool {
        self.is_on
    }

    /// Bytes that the free end of the heap may have before it gives some back.
    fn limit(&self, policy: &Policy) -> usize {
        policy.trim.max(self.reserve)
    }

    /// Notes that pages which hold nothing are needed again.
    pub(super) fn miss(&mut self, policy: &Policy, bytes: usize) {
        let missed = bytes.min(self.given);
        if missed > 0 && policy.adaptive {
            self.given -= missed;
            self.missed += missed;
            self.reserve = self.reserve.max((2 * self.missed).min(2 * LARGEST_ADAPTIVE));
        }
    }
}

/// The addresses between which a free block has whole pages that hold neither header, links nor record.
fn whole_pages<H: Header>(block: Block<H>, page: usize) -> (usize, usize) {
    let start = block.payload().addr().get() + RECORD + size_of::<Pages>();
    let (from, to) = (start.next_multiple_of(page), block.end() & !(page - 1));
    (from, to.max(from))
}

#[inline]
pub(super) const fn is_large_size(size: usize) -> bool {
    size > LARGE
}

#[inline]
pub(super) fn is_large<H: Header>(block: Block<H>) -> bool {
    is_large_size(block.heap_size())
}

fn record<H: Header>(block: Block<H>) -> *mut Pages {
    block.payload().as_ptr().wrapping_add(RECORD).cast()
}

impl<H: Header> Heap<H> {
    /// Begins with a block, or with blocks to be merged, of whose pages nothing is known.
    #[inline]
    pub(super) const fn forget(&mut self) {
        if self.release.is_on {
            self.release.known = Pages { since: self.release.now, ..Pages::NONE };
        }
    }

    /// Writes the record of a block that was put into the index: what is known of its pages.
    #[inline]
    pub(super) fn remember(&mut self, block: Block<H>) {
        if !self.release.is_on {
            return;
        }
        self.release.indexed += block.heap_size();
        if is_large(block) {
            let pages = whole_pages(block, self.release.page);
            let known = self.release.known.within(pages);
            self.release.dirty += pages.1 - pages.0 - known.bytes();
            // SAFETY: H1 and H3, a free block's payload is ours, aligned, and here large enough.
            unsafe { record(block).write(known) };
        }
    }

    /// Adds the record of a block that is taken out of the index to what is known; its size must not have changed.
    #[inline]
    pub(super) fn recall(&mut self, block: Block<H>) {
        if !self.release.is_on {
            return;
        }
        self.release.indexed = self.release.indexed.saturating_sub(block.heap_size());
        if !is_large(block) {
            return;
        }
        let (from, to) = whole_pages(block, self.release.page);
        // SAFETY: as in `remember`, which wrote it.
        let record = unsafe { record(block).read() };
        // A program that has written into a free block must not make us count wrong.
        let known = if record.from <= record.to { record.within((from, to)) } else { Pages::NONE };
        self.release.dirty = self.release.dirty.saturating_sub(to - from - known.bytes());
        self.release.known = self.release.known.or(known);
    }

    /// Notes that the block of which the pages are known was given away up to the address `end`.
    #[inline]
    pub(super) fn carve(&mut self, policy: &Policy, end: usize) {
        if !self.release.is_on {
            return;
        }
        let known = self.release.known;
        let rest = if known.bytes() > 0 { known.within((end, known.to)) } else { known };
        self.release.miss(policy, known.bytes() - rest.bytes());
        self.release.known = Pages { since: self.release.now, ..rest };
    }

    /// Notes that a block was cut from the end of the heap.
    #[inline]
    pub(super) const fn carve_top(&mut self) {
        self.release.top_since = self.release.now;
    }

    /// Returns the dirty bytes that were counted, and those that exist, for [`check`](crate::check).
    pub(crate) fn dirty(&self) -> (usize, usize) {
        if !self.release.is_on {
            return (0, 0); // no records are kept
        }
        let mut cursor = None;
        let mut dirty = 0;
        while let Some((block, key)) = self.next_large(cursor) {
            let pages = whole_pages(block, self.release.page);
            // SAFETY: as in `recall`.
            dirty += pages.1 - pages.0 - unsafe { record(block).read() }.bytes();
            cursor = Some(key);
        }
        (self.release.dirty, dirty)
    }

    /// The large block in the index behind one of that size and number.
    fn next_large(&self, cursor: Option<(usize, NonZeroU32)>) -> Option<(Block<H>, (usize, NonZeroU32))> {
        let base = self.list.base();
        let block = self.index.next_behind(cursor.unwrap_or((LARGE, NonZeroU32::MAX)), base)?;
        Some((block, (block.heap_size(), base.number(block))))
    }

    /// Counts a freed block, and gives a little of the memory back that has waited long enough.
    #[inline]
    pub(super) fn after_free(&mut self, sys: &mut impl Sys, policy: &Policy) {
        let release = &mut self.release;
        if !release.is_on {
            return;
        }
        release.now = release.now.wrapping_add(1);
        if let Some(top) = self.list.last()
            && top.heap_size() > release.limit(policy)
            && top.is_free()
            && !top.is_pending()
        {
            self.trim(sys, self.release.limit(policy), policy.top_pad);
        }
        if self.release.now.is_multiple_of(RULE) {
            self.look(sys, policy);
        }
    }

    /// Bytes of the heap that have an owner, or that threads keep; gaps between segments count as well.
    fn used(&self) -> usize {
        let top = self.list.last().filter(|last| last.is_free() && !last.is_pending()).map_or(0, Block::size);
        let free = self.release.indexed + self.pending.bytes() + top;
        (self.list.end() - self.list.base().address()).saturating_sub(free)
    }

    /// Looks at some large blocks.
    #[cold]
    #[inline(never)]
    fn look(&mut self, sys: &mut impl Sys, policy: &Policy) {
        let now = self.release.now;
        if now.is_multiple_of(HALF_LIFE) {
            self.release.reserve /= 2;
            self.release.missed = 0;
        }
        let allowed = self.release.limit(policy).max(ALWAYS).max(self.used() / 16);
        let is_needed = self.release.dirty > allowed;
        let (looks, mut left) = if is_needed { (LOOKS_IN_NEED, MOST_IN_NEED) } else { (LOOKS, MOST) };
        for _ in 0..looks {
            let Some((block, key)) = self.next_large(self.release.cursor) else {
                self.release.cursor = None;
                let is_idle = now.wrapping_sub(self.release.top_since) >= WAIT;
                if is_idle && self.list.last().is_some_and(|top| top.is_free() && !top.is_pending()) {
                    self.trim(sys, policy.top_pad.max(LEAST), policy.top_pad);
                }
                return;
            };
            self.release.cursor = Some(key);
            // SAFETY: as in `recall`.
            let since = unsafe { record(block).read() }.since;
            let has_waited = now.wrapping_sub(since) >= WAIT;
            if has_waited || self.release.dirty > allowed {
                left -= self.give_back(sys, block, if has_waited { LEAST } else { LEAST_IN_NEED }, left);
            }
            if left == 0 || (!is_needed && left < MOST) {
                return;
            }
        }
    }

    /// Gives dirty pages of a large block in the index back, if they have `least` bytes, and at most `most` bytes of them;
    /// returns the number of bytes.
    fn give_back(&mut self, sys: &mut impl Sys, block: Block<H>, least: usize, most: usize) -> usize {
        let page = self.release.page;
        let (from, to) = whole_pages(block, page);
        // SAFETY: as in `recall`.
        let mut known = unsafe { record(block).read() }.within((from, to));
        if known.bytes() == 0 {
            (known.from, known.to) = (from, from);
        }
        let most = most & !(page - 1);
        let before = (known.from - from).min(most);
        let behind = (to - known.to).min(most - before);
        if before + behind == 0 || to - from - known.bytes() < least {
            return 0;
        }
        // Refused where a program has locked its memory: they then count as given back, since asking again is idle.
        if before > 0 {
            sys.discard(known.from - before, before);
        }
        if behind > 0 {
            sys.discard(known.to, behind);
        }
        (known.from, known.to) = (known.from - before, known.to + behind);
        self.release.dirty = self.release.dirty.saturating_sub(before + behind);
        self.release.given += before + behind;
        // SAFETY: as in `remember`.
        unsafe { record(block).write(known) };
        before + behind
    }

    /// Merges what waits, and gives the whole pages of all free blocks back, but for `keep` bytes at the end of the heap;
    /// returns whether there were any.
    pub(crate) fn release_all(&mut self, sys: &mut impl Sys, keep: usize) -> bool {
        self.merge_pending();
        let mut is_given = self.trim(sys, keep, keep);
        if !self.release.is_on {
            return is_given;
        }
        let mut cursor = None;
        while let Some((block, key)) = self.next_large(cursor) {
            is_given |= self.give_back(sys, block, 1, usize::MAX) > 0;
            cursor = Some(key);
        }
        // Smaller ones keep no record: their whole pages are given back without one.
        let page = self.release.page;
        let mut at = self.list.first();
        while let Some(block) = at {
            at = self.list.next(block);
            let (from, to) = whole_pages(block, page);
            // The last block is trimmed, unless the break stands elsewhere.
            let is_left = if at.is_none() { !self.can_extend(sys, block) } else { !is_large(block) };
            if block.is_free() && from < to && is_left {
                is_given |= sys.discard(from, to - from);
            }
        }
        is_given
    }

    /// Gives the memory at the end of the heap back, in whole pages, if more than `limit` bytes of it are free, all but
    /// `keep` bytes; returns whether anything was given back. The last block must not be pending.
    fn trim(&mut self, sys: &mut impl Sys, limit: usize, keep: usize) -> bool {
        let Some(top) = self.list.last().filter(|last| last.is_free() && last.heap_size() > limit) else {
            return false;
        };
        let end = (top.payload().addr().get() + keep.max(H::ALIGNMENT)).next_multiple_of(sys.page_size());
        if end >= top.end() || !self.can_extend(sys, top) {
            return false;
        }
        let bytes = top.end() - end;
        let given = sys.lower_break(bytes);
        if given {
            self.recent = None;
            self.list.shorten_last(bytes);
            self.release.given += bytes;
        } else {
            // A program may have locked its memory: to ask again with each free is idle.
            self.release.reserve = self.release.reserve.max(2 * top.heap_size());
        }
        given
    }
}
