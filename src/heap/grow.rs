//! How the heap becomes larger and smaller: the only part of it that asks the system (R4, R7, R12 a, R16).

use super::Heap;
use crate::block::{Block, Header};
use crate::policy::Policy;
use crate::size::PREALLOCATION;
use crate::sys::{Memory, Sys};

/// Attempts at a move of the break that another thread does not disturb.
const ATTEMPTS: u32 = 8;

/// Why the heap did not grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotMoved {
    /// The system or the span refuses (R15, H8).
    Refused,
    /// The break was moved by another party in the same moment.
    Disturbed,
}

impl<H: Header> Heap<H> {
    /// R4: the first move of the break.
    pub(super) fn preallocate(&mut self, sys: &mut impl Sys, policy: &Policy, size: usize) -> Option<()> {
        let bytes = if policy.is_exact() { PREALLOCATION } else { PREALLOCATION.max(H::BYTES + size) };
        if sys.current_break() == 0 && !(policy.leaps && sys.leap(bytes, usize::MAX)) {
            return None;
        }
        self.append(sys, policy, bytes - H::BYTES).map(|_| ())
    }

    /// R7: a free block of at least `size` bytes at the end of the heap, by one move of the break.
    pub(super) fn grow(&mut self, sys: &mut impl Sys, policy: &Policy, size: usize) -> Option<Block<H>> {
        match self.list.last() {
            Some(last) if last.is_free() && self.can_extend(sys, last) => match self.extend(sys, policy, last, size) {
                Ok(()) => Some(last),
                Err(NotMoved::Disturbed) => self.append(sys, policy, size),
                Err(NotMoved::Refused) => None,
            },
            _ => self.append(sys, policy, size),
        }
    }

    /// The break cannot move: lets the system find another place for it, if the policy allows.
    #[cold]
    pub(super) fn leap(&mut self, sys: &mut impl Sys, policy: &Policy, size: usize) -> Option<Block<H>> {
        let bytes = H::BYTES + size + H::ALIGNMENT;
        let limit = self.list.base().address().saturating_add(H::SPAN.min(policy.span));
        if policy.leaps && sys.leap(bytes, limit) { self.append(sys, policy, size) } else { None }
    }

    /// Whether `block` is the last of the heap and the break still stands at its end (R16).
    pub(super) fn can_extend(&self, sys: &impl Sys, block: Block<H>) -> bool {
        self.list.last() == Some(block) && sys.current_break() == block.end()
    }

    /// Moves the break by the bytes that `block`, which [`can_extend`](Self::can_extend), lacks, and by more if the
    /// policy says so; the block has them all then.
    pub(super) fn extend(
        &mut self,
        sys: &mut impl Sys,
        policy: &Policy,
        block: Block<H>,
        size: usize,
    ) -> Result<(), NotMoved> {
        let start = block.end();
        let missing = size - block.heap_size();
        self.move_break(sys, policy, start, missing, |heap, memory| heap.list.extend(block, memory))
    }

    /// A new free block of at least `size` bytes behind the break: where the heap ends, or beyond a foreign break (R16).
    ///
    /// Refused as well where the break stands below the heap's end: it was moved there, and our memory taken away.
    fn append(&mut self, sys: &mut impl Sys, policy: &Policy, size: usize) -> Option<Block<H>> {
        let last = self.list.last();
        for _ in 0..ATTEMPTS {
            let start = sys.current_break();
            if last.is_some_and(|last| start < last.end()) {
                return None;
            }
            let padding = start.next_multiple_of(H::ALIGNMENT) - start;
            let appended = self.move_break(sys, policy, start, padding + H::BYTES + size, |heap, memory| {
                heap.list.push(memory.skip(padding))
            });
            match appended {
                Ok(block) => {
                    if let Some(last) = last
                        && last.is_free()
                        && !last.is_pending()
                    {
                        self.forget();
                        self.place(last); // it is not the last any more
                    }
                    return Some(block);
                }
                Err(NotMoved::Refused) => return None,
                Err(NotMoved::Disturbed) => {}
            }
        }
        None
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

    /// Moves the break from `start` up by `bytes` bytes, or by more if the policy says so and the system grants it.
    /// `take` makes the memory part of the heap. Memory that does not begin at `start` counts as a foreigner's (R16): the
    /// break was moved in the same moment, and both parties may hold those bytes for theirs.
    fn move_break<S: Sys, R>(
        &mut self,
        sys: &mut S,
        policy: &Policy,
        start: usize,
        bytes: usize,
        take: impl Fn(&mut Self, Memory) -> R,
    ) -> Result<R, NotMoved> {
        let first = if self.list.first().is_some() { self.list.base().address() } else { start };
        let room = H::SPAN.saturating_sub(start - first).min(policy.span.saturating_sub(start - first));
        if bytes >= room {
            return Err(NotMoved::Refused); // H8
        }
        let padded = if policy.is_exact() {
            bytes
        } else {
            let end = (start + bytes + policy.top_pad).next_multiple_of(sys.page_size());
            if end - start < room { end - start } else { bytes }
        };
        let memory = match sys.move_break(padded) {
            Some(memory) => memory,
            None if padded > bytes => sys.move_break(bytes).ok_or(NotMoved::Refused)?,
            None => return Err(NotMoved::Refused),
        };
        let from = memory.address();
        if from != start {
            return Err(NotMoved::Disturbed);
        }
        self.release.page = sys.page_size();
        self.release.miss(policy, memory.length());
        let taken = take(self, memory);
        if sys.grows_clean() {
            // Of a page that the heap has shared with someone else, the rest is not known to be zero.
            let page = sys.page_size();
            if self.clean > from || !from.is_multiple_of(page) {
                self.clean = from.next_multiple_of(page);
            }
            self.clean = self.clean.max(from.next_multiple_of(H::ALIGNMENT) + H::BYTES + size_of::<u64>());
        }
        Ok(taken)
    }
}
