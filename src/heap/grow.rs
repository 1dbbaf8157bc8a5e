//! How the heap becomes larger and smaller: the only part of it that asks the system (R4, R7, R12 a, R16).

use super::Heap;
use crate::block::{Block, Header};
use crate::policy::{LARGEST_ADAPTIVE, Policy};
use crate::size::PREALLOCATION;
use crate::sys::{Memory, Sys};

impl<H: Header> Heap<H> {
    /// R4: the first move of the break.
    pub(super) fn preallocate(&mut self, sys: &mut impl Sys, policy: &Policy, size: usize) -> Option<()> {
        let bytes = if policy.is_exact() { PREALLOCATION } else { PREALLOCATION.max(H::BYTES + size) };
        self.append(sys, policy, bytes - H::BYTES).map(|_| ())
    }

    /// R7: a free block of at least `size` bytes at the end of the heap, by one move of the break.
    pub(super) fn grow(&mut self, sys: &mut impl Sys, policy: &Policy, size: usize) -> Option<Block<H>> {
        match self.list.last() {
            Some(last) if last.is_free() && self.can_extend(sys, last) => {
                self.extend(sys, policy, last, size)?;
                Some(last)
            }
            _ => self.append(sys, policy, size),
        }
    }

    /// The break cannot move: lets the system find another place for it, if the policy allows.
    #[cold]
    pub(super) fn leap(&mut self, sys: &mut impl Sys, policy: &Policy, size: usize) -> Option<Block<H>> {
        let bytes = H::BYTES + size + H::ALIGNMENT;
        if policy.leaps && sys.leap(bytes) { self.append(sys, policy, size) } else { None }
    }

    /// Whether `block` is the last of the heap and the break still stands at its end (R16).
    pub(super) fn can_extend(&self, sys: &impl Sys, block: Block<H>) -> bool {
        self.list.last() == Some(block) && sys.current_break() == block.end()
    }

    /// Moves the break by the bytes that `block`, which [`can_extend`](Self::can_extend), lacks, and by more if the
    /// policy says so; the block has them all then.
    pub(super) fn extend(&mut self, sys: &mut impl Sys, policy: &Policy, block: Block<H>, size: usize) -> Option<()> {
        let start = block.end();
        let missing = size - block.heap_size();
        self.move_break(sys, policy, start, missing, |heap, memory| {
            let is_ours = memory.address() == start; // or it was moved by someone else in the same moment
            is_ours.then(|| heap.list.extend(block, memory))
        })
    }

    /// A new free block of at least `size` bytes behind the break: where the heap ends, or beyond a foreign break (R16).
    ///
    /// Refused as well where the break stands below the heap's end: whoever moved it there has taken our memory away.
    fn append(&mut self, sys: &mut impl Sys, policy: &Policy, size: usize) -> Option<Block<H>> {
        let start = sys.current_break();
        let last = self.list.last();
        if last.is_some_and(|last| start < last.end()) {
            return None;
        }
        let padding = start.next_multiple_of(H::ALIGNMENT) - start;
        let block = self.move_break(sys, policy, start, padding + H::BYTES + size, |heap, memory| {
            let is_ours = memory.address() == start;
            is_ours.then(|| heap.list.push(memory.skip(padding)))
        })?;
        if let Some(last) = last
            && last.is_free()
            && !last.is_pending()
        {
            self.index.insert(last, self.list.base()); // it is not the last any more
        }
        Some(block)
    }

    /// Makes the free block at the end of the heap, if it lies right behind `block`, so large that `block` can absorb it
    /// and have `size` bytes. Whether that succeeds shows when it is tried.
    pub(super) fn extend_top_behind(&mut self, sys: &mut impl Sys, policy: &Policy, block: Block<H>, size: usize) {
        let Some(top) = self.list.mergeable_next(block) else { return };
        let missing = (size - block.heap_size()).saturating_sub(H::BYTES + top.heap_size());
        if missing == 0 || !self.can_extend(sys, top) {
            return;
        }
        let base = self.list.base();
        let is_pending = top.is_pending();
        if is_pending {
            self.pending.remove(top, base); // where it is depends on its size
        }
        _ = self.extend(sys, policy, top, top.heap_size() + missing);
        if is_pending {
            self.pending.push(top, base);
        }
    }

    /// Gives the memory at the end of the heap back, in whole pages, if more than `limit` bytes of it are free, all but
    /// `keep` bytes; whether anything was given back. What is pending must be merged.
    pub(crate) fn trim(&mut self, sys: &mut impl Sys, limit: usize, keep: usize) -> bool {
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
            self.trimmed += bytes;
        }
        given
    }

    /// Moves the break from `start` up by `bytes` bytes, or by more if the policy says so and the system grants it.
    /// `take` makes the memory part of the heap, unless it does not begin at `start`.
    fn move_break<S: Sys, R>(
        &mut self,
        sys: &mut S,
        policy: &Policy,
        start: usize,
        bytes: usize,
        take: impl Fn(&mut Self, Memory) -> Option<R>,
    ) -> Option<R> {
        let first = if self.list.first().is_some() { self.list.base().address() } else { start };
        let room = H::SPAN.saturating_sub(start - first).min(policy.span.saturating_sub(start - first));
        if bytes >= room {
            return None; // H8
        }
        let padded = if policy.is_exact() {
            bytes
        } else {
            let end = (start + bytes + policy.top_pad).next_multiple_of(sys.page_size());
            if end - start < room { end - start } else { bytes }
        };
        let memory = match sys.move_break(padded) {
            Some(memory) => memory,
            None if padded > bytes => sys.move_break(bytes)?,
            None => return None,
        };
        if self.trimmed > 0 && policy.adaptive {
            self.regretted = self.regretted.max((2 * self.trimmed).min(2 * LARGEST_ADAPTIVE));
            self.trimmed = 0;
        }
        let from = memory.address();
        let taken = take(self, memory)?;
        if sys.grows_clean() {
            // Of a page that the heap has shared with someone else, the rest is not known to be zero.
            let page = sys.page_size();
            if self.clean > from || !from.is_multiple_of(page) {
                self.clean = from.next_multiple_of(page);
            }
            self.clean = self.clean.max(from.next_multiple_of(H::ALIGNMENT) + H::BYTES + size_of::<u64>());
        }
        Some(taken)
    }
}
