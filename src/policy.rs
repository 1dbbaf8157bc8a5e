//! What may differ from one use to another: how the heap grows and shrinks, and what gets a mapping of its own.
//!
//! The layout of a block is no part of it: that is a type, [`block::Header`](crate::block::Header), and costs nothing at
//! run time.

use crate::size::MMAP_THRESHOLD;

/// The C library of most Linux systems maps nothing above this many bytes by a threshold that adapts (mallopt(3),
/// M_MMAP_THRESHOLD); neither does an adaptive policy.
pub const LARGEST_ADAPTIVE: usize = 32 << 20;

/// A block that has no more than so many bytes too many keeps them, where a policy [reserves](Policy::reserves).
const LITTLE: usize = 1024 / 8;

/// How an allocator treats the system. All numbers are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How many bytes more than needed the break moves at a time. 0 is *exact* growth (R7); with any other value the
    /// break moves in whole pages (*padded*).
    pub top_pad: usize,
    /// Size of the free block at the end of the heap above which its pages go back, all but [`top_pad`](Self::top_pad)
    /// bytes. With any value but `usize::MAX` (R8) the whole pages of free blocks inside the heap go back too, after a while.
    pub trim: usize,
    /// A request that needs this many bytes or more, header included, gets a mapping of its own (R3).
    pub mmap_threshold: usize,
    /// Whether `calloc` maps already what needs a page (R3), or the same as the others.
    pub calloc_maps_pages: bool,
    /// Whether the threshold grows to the size of each mapping that is given back, up to [`LARGEST_ADAPTIVE`]: a program
    /// that does so again and again is served by the heap. Trimming then begins at twice that size, and at twice the size
    /// of what was given back by trimming and needed again.
    pub adaptive: bool,
    /// From the first block of the heap to its end there may be so many bytes; the layout may allow less
    /// ([`Header::SPAN`](crate::block::Header::SPAN)). Growth beyond is refused, as if by the system (R15).
    pub span: usize,
    /// Payload of small free blocks that may wait to be merged; a small request takes one of them that has just its size,
    /// before it looks for the best fit. Larger blocks are merged when they are freed. 0 merges before each search (R5).
    pub defers: usize,
    /// Whether the free block at the end of the heap counts as the largest of all, whatever its size, so that blocks
    /// before it can grow (R5 and R12 know no such exception).
    pub spares_top: bool,
    /// Whether the heap lets the system choose its place, and another one where the break cannot move, as if beyond a
    /// foreign break (R16).
    pub leaps: bool,
    /// Whether a request gets a mapping of its own if the heap has no room for it, and room in the heap if a mapping is
    /// refused.
    pub stands_in: bool,
    /// Whether a block that grows gets more than is asked for, a sixteenth of its size, since it is likely to grow again, and
    /// keeps what is little when it shrinks.
    pub reserves: bool,
    /// Whether a mapping may be resized by the system, where it is or by moving its pages; R13 forbids it.
    pub remap: bool,
}

impl Policy {
    /// The contract's: every move of the break is exact, nothing is given back but mappings.
    pub const EXACT: Self = Self {
        top_pad: 0,
        trim: usize::MAX,
        mmap_threshold: MMAP_THRESHOLD,
        calloc_maps_pages: true,
        adaptive: false,
        span: usize::MAX,
        defers: 0,
        spares_top: false,
        leaps: false,
        stands_in: false,
        reserves: false,
        remap: false,
    };

    /// For real programs: few system calls, and unused memory goes back.
    pub const PADDED: Self = Self {
        top_pad: 128 << 10,
        trim: 128 << 10,
        mmap_threshold: MMAP_THRESHOLD,
        calloc_maps_pages: false,
        adaptive: true,
        span: usize::MAX,
        defers: 512 << 10,
        spares_top: true,
        leaps: true,
        stands_in: true,
        reserves: true,
        remap: true,
    };

    /// Whether the break moves by exactly what is missing.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.top_pad == 0
    }

    /// Whether a block of `old` bytes of payload may stay as it is when `size` bytes are asked for.
    pub(crate) fn keeps(&self, old: usize, size: usize) -> bool {
        self.reserves && size <= old && old - size <= LITTLE.max(old / 8)
    }

    /// How many bytes a block gets that grows to `size` bytes.
    pub(crate) fn with_reserve(&self, size: usize) -> usize {
        if self.reserves { size.saturating_add(LITTLE.max(size) / 16) } else { size }
    }

    /// Takes notice of a mapping of `length` bytes that is given back.
    pub(crate) fn learn(&mut self, length: usize) {
        if self.adaptive && length >= self.mmap_threshold && length <= LARGEST_ADAPTIVE {
            self.mmap_threshold = length + 1; // the same again is not mapped any more
            self.trim = self.trim.max(2 * length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adaptive_threshold_follows_what_is_given_back_up_to_its_limit() {
        let mut policy = Policy::PADDED;
        policy.learn(1 << 20);
        assert_eq!((policy.mmap_threshold, policy.trim), ((1 << 20) + 1, 2 << 20));
        policy.learn(1 << 19);
        assert_eq!(policy.mmap_threshold, (1 << 20) + 1, "never down");
        policy.learn(LARGEST_ADAPTIVE + 1);
        assert_eq!(policy.mmap_threshold, (1 << 20) + 1);
    }

    #[test]
    fn a_fixed_threshold_stays() {
        let mut policy = Policy::EXACT;
        policy.learn(1 << 20);
        assert_eq!(policy, Policy::EXACT);
    }
}
