//! What is measured. Each kind of work runs on any allocator, touches every block alike, and leaves the allocator as
//! it found it or in a steady state.

use crate::heaps::Heap;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg32;

/// The kinds of work.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Allocate and free blocks of one size. Two calls a step.
    Pair(usize),
    /// As `Pair` with `calloc`.
    Calloc(usize),
    /// So many blocks of 64 bytes; every second is freed, then the others, then one block as large as all of them comes
    /// from what they leave if it is merged.
    Merge(usize),
    /// As `Pair` with every page of the block written.
    Touched(usize),
    /// Random sizes from the range; a random one of so many live blocks is replaced. Two calls a step.
    Random(usize, Sizes),
    /// So many buffers side by side grow from 16 bytes by a rule up to a limit, then are freed.
    Grow { buffers: usize, by: Growth, limit: usize },
}

/// Inclusive limits.
#[derive(Clone, Copy, Debug)]
pub struct Sizes(pub u32, pub u32);

/// How a buffer grows.
#[derive(Clone, Copy, Debug)]
pub enum Growth {
    /// By half of what it has, as vectors do.
    Half,
    /// By so many bytes.
    Step(usize),
}

impl Growth {
    fn after(self, bytes: usize) -> usize {
        match self {
            Self::Half => bytes + bytes / 2,
            Self::Step(step) => bytes + step,
        }
    }
}

/// One kind of work on one allocator, between two measurements.
pub struct Work<H> {
    heap: H,
    kind: Kind,
    dice: Pcg32,
    live: Vec<(*mut u8, u32)>,
}

impl<H: Heap> Work<H> {
    pub fn new(heap: H, kind: Kind) -> Self {
        let mut work = Self { heap, kind, dice: Pcg32::seed_from_u64(1), live: Vec::new() };
        if let Kind::Random(blocks, sizes) = kind {
            work.live = (0..blocks).map(|_| (std::ptr::null_mut(), roll(&mut work.dice, sizes))).collect();
            work.heap.fill(&mut work.live);
            work.live.iter().for_each(|(block, bytes)| touch(*block, *bytes as usize));
        }
        work
    }

    /// Does at least `calls` calls and returns how many it did.
    pub fn run(&mut self, calls: u64) -> u64 {
        match self.kind {
            Kind::Pair(bytes) => self.pairs(calls, bytes, H::malloc, touch),
            Kind::Calloc(bytes) => self.pairs(calls, bytes, H::calloc, touch),
            Kind::Touched(bytes) => self.pairs(calls, bytes, H::malloc, touch_pages),
            Kind::Merge(count) => self.merge(calls, count),
            Kind::Random(_, sizes) => self.replace(calls, sizes),
            Kind::Grow { buffers, by, limit } => self.grow(calls, buffers, by, limit),
        }
    }

    #[inline]
    fn pairs(
        &mut self,
        calls: u64,
        bytes: usize,
        allocate: impl Fn(&mut H, usize) -> *mut u8,
        touch: impl Fn(*mut u8, usize),
    ) -> u64 {
        let pairs = calls.div_ceil(2);
        for _ in 0..pairs {
            let block = allocate(&mut self.heap, bytes);
            touch(block, bytes);
            // SAFETY: allocated above.
            unsafe { self.heap.free(block, bytes) };
        }
        pairs * 2
    }

    fn replace(&mut self, calls: u64, sizes: Sizes) -> u64 {
        let pairs = calls.div_ceil(2);
        for _ in 0..pairs {
            let at = below(&mut self.dice, self.live.len());
            let bytes = roll(&mut self.dice, sizes);
            let (block, old) = &mut self.live[at];
            // SAFETY: live since the last round, with the size kept beside it.
            unsafe { self.heap.free(*block, *old as usize) };
            *block = self.heap.malloc(bytes as usize);
            *old = bytes;
            touch(*block, bytes as usize);
        }
        pairs * 2
    }

    fn merge(&mut self, calls: u64, count: usize) -> u64 {
        const BYTES: usize = 64;
        let mut done = 0;
        self.live.resize(count, (std::ptr::null_mut(), 0));
        while done < calls {
            for (block, _) in &mut self.live {
                *block = self.heap.malloc(BYTES);
                touch(*block, BYTES);
            }
            for at in (0..count).step_by(2).chain((1..count).step_by(2)) {
                // SAFETY: allocated above, and each index comes once.
                unsafe { self.heap.free(self.live[at].0, BYTES) };
            }
            let all = self.heap.malloc(count * BYTES);
            touch(all, count * BYTES);
            // SAFETY: allocated above.
            unsafe { self.heap.free(all, count * BYTES) };
            done += 2 * count as u64 + 2;
        }
        done
    }

    fn grow(&mut self, calls: u64, buffers: usize, by: Growth, limit: usize) -> u64 {
        let mut done = 0;
        self.live.resize(buffers, (std::ptr::null_mut(), 0));
        while done < calls {
            let mut bytes = 16;
            for (block, _) in &mut self.live {
                *block = self.heap.malloc(bytes);
                touch(*block, bytes);
            }
            done += 2 * buffers as u64; // these, and the frees below
            while by.after(bytes) <= limit {
                let new = by.after(bytes);
                for (block, _) in &mut self.live {
                    // SAFETY: live, and as long as all others.
                    *block = unsafe { self.heap.realloc(*block, bytes, new) };
                    touch(*block, new);
                }
                bytes = new;
                done += buffers as u64;
            }
            for (block, _) in &mut self.live {
                // SAFETY: as above.
                unsafe { self.heap.free(*block, bytes) };
            }
        }
        done
    }
}

/// A random number below `limit`, near enough to uniform.
#[inline]
fn below(dice: &mut Pcg32, limit: usize) -> usize {
    ((u64::from(dice.next_u32()) * limit as u64) >> 32) as usize
}

#[expect(clippy::cast_possible_truncation, reason = "between two numbers that fit")]
#[inline]
fn roll(dice: &mut Pcg32, Sizes(low, high): Sizes) -> u32 {
    low + below(dice, (high - low + 1) as usize) as u32
}

/// Writes the first word. A failed call ends the run here, since the null page cannot be written.
#[inline]
fn touch(block: *mut u8, bytes: usize) {
    debug_assert!(bytes >= 8);
    // SAFETY: a block of at least eight bytes, aligned to eight; volatile so that the compiler keeps block and write.
    unsafe { block.cast::<u64>().write_volatile(bytes as u64) };
}

/// Writes a word of each page.
#[inline]
fn touch_pages(block: *mut u8, bytes: usize) {
    for at in (0..bytes).step_by(4096) {
        touch(block.wrapping_add(at), 8);
    }
}
