//! The heap: the blocks between the first break and the last (R4 to R8, R11, R12, R16).

mod grow;
mod merge;
mod release;

use crate::block::{Block, Header};
use crate::index::pending::Pending;
use crate::index::{Index, SMALL};
use crate::list::List;
use crate::policy::Policy;
use crate::sys::Sys;
use grow::NotMoved;
use release::Release;
use std::ptr::NonNull;

/// The blocks of the heap in address order.
///
/// # Invariants
///
/// They hold for the whole allocator between any two calls. [`check`](crate::check) finds a breach of all but the
/// first, which cannot be seen from inside: it is what the `SAFETY` comments lean on.
///
/// - **H1 ours.** Every header and payload lies in memory that the system gave to this allocator and has not got back.
/// - **H2 order.** The heap's blocks ascend: each ends at or before the next begins. Where it ends before, there was a
///   foreign break.
/// - **H3 aligned.** Every block's address and size is a multiple of the layout's alignment (8 in the contract's), and no
///   payload is empty.
/// - **H4 status.** A block in the heap's list is FREE or ALLOC (or CACHED, in the [`process`](crate::process) heap), one
///   among the mappings is MAPPED.
/// - **H5 break.** The last block ends at or below the break (unless a foreigner moved the break down).
/// - **H6 links.** In the heap's list `prev` and `next` of neighbours agree, and as many blocks are linked as are counted;
///   so many mappings hang in their tree, in the order of their addresses.
/// - **H7 apart.** A mapping begins at a page boundary and overlaps neither another mapping nor a block of the heap.
/// - **H8 span.** From the first block's address to the last block's end it is less than the layout's span.
/// - **H9 index.** Each free block is in exactly one place: it is pending, or it is the last of the heap, or it lies in the
///   bin of its size. Of two adjacent free blocks at least one is pending. An owned block carries its tag.
#[derive(Debug)]
pub struct Heap<H> {
    list: List<H>,
    index: Index<H>,
    pending: Pending<H>,
    /// What the last search gave, and the size it was asked for, unless a block was resized since.
    recent: Option<(Block<H>, usize)>,
    release: Release,
    /// Bytes from here to the break have been zero since the system gave them; `usize::MAX` if nothing is known.
    clean: usize,
    /// What `clean` was when the last block was handed out.
    was_clean: usize,
}

/// Blocks that one search moves from the pending ones to the index, at most, under a policy that defers.
const SORTED_PER_SEARCH: usize = 16;
/// Pending small blocks that are merged with each one that is freed, while too many bytes are pending.
const MERGED_PER_FREE: usize = 2;
/// Pending small blocks that are merged before the heap grows.
const MERGED_PER_GROWTH: usize = 256;

/// How an attempt to resize a block in its place ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resized {
    /// The block is large enough now.
    InPlace,
    /// It cannot become large enough where it is (R12 c).
    MustMove,
    /// The system refused to move the break (R15).
    Refused,
}

impl<H: Header> Heap<H> {
    /// A heap that has not asked the system for anything yet.
    pub(crate) const fn new(policy: &Policy) -> Self {
        Self {
            list: List::new(),
            index: Index::new(policy.defers == 0),
            pending: Pending::new(policy.defers > 0),
            recent: None,
            release: Release::new(policy),
            clean: usize::MAX,
            was_clean: usize::MAX,
        }
    }

    /// The blocks, for walking.
    pub(crate) const fn blocks(&self) -> &List<H> {
        &self.list
    }

    /// The free blocks in their bins, for [`check`](crate::check).
    pub(crate) const fn index(&self) -> &Index<H> {
        &self.index
    }

    /// The free blocks that still are to be merged, for [`check`](crate::check).
    pub(crate) const fn pending(&self) -> &Pending<H> {
        &self.pending
    }

    /// The allocated block whose payload begins at `payload`.
    #[inline]
    pub(crate) fn find(&self, payload: NonNull<u8>) -> Option<Block<H>> {
        self.list.candidate(payload).filter(|block| block.is_live())
    }

    /// An allocated block of at least `size` bytes (R4 to R7); `None` if the system refused, with the heap as it was
    /// (R15).
    #[inline]
    pub(crate) fn allocate(&mut self, sys: &mut impl Sys, policy: &Policy, size: usize) -> Option<Block<H>> {
        let base = self.list.base();
        if let Some(block) = self.pending.take_exact(size, base) {
            return Some(self.hand_out_again(block));
        }
        if let Some((block, asked)) = self.recent
            && asked == size
            && self.pending.is_ready(block, base)
        {
            // What the last search took has come back, and nothing has been merged since: it would take the same again.
            self.pending.remove(block, base);
            return Some(self.hand_out_again(block));
        }
        let block = self.search(sys, policy, size)?;
        Some(self.hand_out(policy, block, size))
    }

    /// R8. The block stays where it is; merging waits for the next search.
    ///
    /// A policy that defers lets small blocks wait, until there are too many: then each one that is freed has a few others
    /// merged. Other blocks are merged at once. So no single call has much to do.
    #[inline]
    pub(crate) fn free(&mut self, sys: &mut impl Sys, policy: &Policy, block: Block<H>) {
        if policy.defers == 0 {
            return self.pending.push(block, self.list.base());
        }
        if block.heap_size() > SMALL {
            block.set_free(false);
            if !self.join_prev(block) {
                self.merge_around(block);
            }
        } else {
            self.pending.push(block, self.list.base());
            if self.pending.small_bytes() >= policy.defers {
                self.merge_small(MERGED_PER_FREE);
            }
        }
        self.after_free(sys, policy);
    }

    /// R11, and R12 (a) and (b): makes an allocated block `size` bytes large where it is, as far as that is possible.
    pub(crate) fn resize(&mut self, sys: &mut impl Sys, policy: &Policy, block: Block<H>, size: usize) -> Resized {
        self.recent = None;
        let old = block.heap_size();
        if size > old {
            if self.can_extend(sys, block) {
                return match self.extend(sys, policy, block, size) {
                    Ok(()) => {
                        self.cut(block, size);
                        Resized::InPlace
                    }
                    Err(NotMoved::Disturbed) => Resized::MustMove,
                    Err(NotMoved::Refused) => Resized::Refused,
                };
            }
            if !policy.is_exact() {
                self.extend_top_behind(sys, policy, block, size);
            }
            let mut room = old;
            while room < size
                && let Some(next) = self.list.mergeable_next(block)
                && self.unplace(next)
            {
                room = self.list.merge(block, next);
            }
            if room < size {
                if !policy.is_exact() {
                    self.cut(block, old);
                }
                return Resized::MustMove; // what was absorbed stays absorbed
            }
        }
        self.cut(block, size);
        Resized::InPlace
    }

    /// Cuts off the first `bytes` bytes of an allocated block, header included, which become a free block; the rest is
    /// the allocated block from now on. Both must be large enough to be blocks.
    pub(crate) fn cut_front(&mut self, block: Block<H>, bytes: usize) -> Block<H> {
        self.recent = None;
        let Some(rest) = self.list.split(block, bytes - H::BYTES) else { return block };
        rest.set_live();
        self.pending.push(block, self.list.base());
        rest
    }

    /// Up to `wanted` allocated blocks of `size` bytes each, cut one after the other from the best fit for the first; at
    /// least one, unless the system refused. Each is handed to `take`; how many there were.
    pub(crate) fn allocate_many(
        &mut self,
        sys: &mut impl Sys,
        policy: &Policy,
        size: usize,
        wanted: usize,
        take: &mut impl FnMut(Block<H>),
    ) -> usize {
        let Some(mut block) = self.search(sys, policy, size) else { return 0 };
        self.recent = None;
        let mut count = 1;
        loop {
            let rest = self.list.split(block, size);
            self.soil(block);
            block.set_live();
            take(block);
            match rest {
                Some(rest) if count < wanted && rest.heap_size() >= size => block = rest,
                Some(rest) => {
                    self.place_rest(policy, rest);
                    return count;
                }
                None => return count,
            }
            count += 1;
        }
    }

    /// The address from which on the payload of the block that was handed out last is zero.
    pub(crate) const fn clean_from(&self) -> usize {
        self.was_clean
    }

    /// A free block of at least `size` bytes, the best fit or a new one, that is in no bin any more.
    fn search(&mut self, sys: &mut impl Sys, policy: &Policy, size: usize) -> Option<Block<H>> {
        if self.list.last().is_none() {
            self.preallocate(sys, policy, size)?;
        }
        if policy.defers == 0 {
            self.merge_pending();
            return self.best_fit(policy, size).or_else(|| self.enlarge(sys, policy, size));
        }
        if self.pending.large() > 0 {
            self.sort(SORTED_PER_SEARCH);
        }
        self.best_fit(policy, size)
            .or_else(|| {
                let is_merged = self.merge_small(MERGED_PER_GROWTH);
                is_merged.then(|| self.best_fit(policy, size)).flatten()
            })
            .or_else(|| self.enlarge(sys, policy, size))
    }

    /// The best fit among the blocks in the index, if it has at most `largest` bytes.
    #[inline]
    fn take_best(&mut self, size: usize, largest: usize) -> Option<Block<H>> {
        let block = self.index.take_best(size, largest, self.list.base())?;
        self.forget();
        self.recall(block);
        Some(block)
    }

    /// R5: the smallest merged free block of at least `size` bytes, and of several the one at the lowest address.
    #[inline]
    fn best_fit(&mut self, policy: &Policy, size: usize) -> Option<Block<H>> {
        let top = self.list.last().filter(|last| last.is_free() && last.heap_size() >= size && !last.is_pending());
        let largest = match top {
            Some(top) if !policy.spares_top => top.heap_size(), // of two equal ones the last is not the lowest
            _ => usize::MAX,
        };
        self.take_best(size, largest).or_else(|| {
            self.forget();
            top
        })
    }

    /// R7: a free block of at least `size` bytes where there was none.
    fn enlarge(&mut self, sys: &mut impl Sys, policy: &Policy, size: usize) -> Option<Block<H>> {
        if let Some(last) = self.list.last()
            && last.is_free()
            && last.is_pending()
        {
            // It is to grow, and may be large enough once it is merged.
            if policy.defers == 0 {
                self.merge_pending();
            } else {
                self.pending.remove(last, self.list.base());
                self.merge_around(last);
            }
            if let Some(found) = self.best_fit(policy, size) {
                return Some(found);
            }
        }
        let grown = self.grow(sys, policy, size).or_else(|| self.leap(sys, policy, size));
        self.forget();
        grown.or_else(|| {
            self.merge_pending(); // the system refuses: what was deferred is all there is
            self.best_fit(policy, size)
        })
    }

    /// R6: gives away a merged free block that is in no bin any more, or as much of it as is asked for.
    #[inline]
    fn hand_out(&mut self, policy: &Policy, block: Block<H>, size: usize) -> Block<H> {
        if let Some(rest) = self.list.split(block, size) {
            self.place_rest(policy, rest); // its neighbours are not free, or it would have been merged
        }
        self.was_clean = self.clean;
        self.soil(block);
        block.set_live();
        self.recent = Some((block, size));
        block
    }

    /// Gives away a block as it was before it was freed.
    #[inline]
    fn hand_out_again(&mut self, block: Block<H>) -> Block<H> {
        block.set_live();
        self.was_clean = usize::MAX;
        block
    }

    /// R6 for an allocated block. The rest may have a free neighbour, and is merged only at the next search (R11).
    fn cut(&mut self, block: Block<H>, size: usize) {
        if let Some(rest) = self.list.split(block, size)
            && self.list.last() != Some(rest)
        {
            self.pending.push(rest, self.list.base()); // the last one has nobody to be merged with
        }
        self.soil(block);
    }

    /// Takes notice that a block was given away: it may be written to, and so were a header and links behind it.
    #[inline]
    fn soil(&mut self, block: Block<H>) {
        let end = block.end() + H::BYTES + size_of::<u64>();
        if end > self.clean {
            self.clean = end;
        }
    }

    /// Puts a merged free block into its bin, unless it is the last (H9), with what is known of its pages.
    #[inline]
    fn place(&mut self, block: Block<H>) {
        if self.list.last() != Some(block) {
            self.index.insert(block, self.list.base());
            self.remember(block);
        }
    }

    /// Puts the rest of the block that was found last into its place.
    #[inline]
    fn place_rest(&mut self, policy: &Policy, rest: Block<H>) {
        if self.list.last() == Some(rest) {
            self.carve_top();
        } else {
            self.carve(policy, rest.address());
            self.place(rest);
        }
    }
}
