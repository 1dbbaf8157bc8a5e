//! A block of the process's `malloc` that may travel between threads.

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg32;

/// Frees itself. Its first word holds its size, which is looked at when it ends: a block handed out twice is noticed.
pub struct Block(*mut u64);

// SAFETY: nobody else knows the block.
unsafe impl Send for Block {}

impl Block {
    /// At least eight bytes.
    #[inline]
    pub fn new(bytes: usize) -> Self {
        // SAFETY: any size may be asked for.
        let start = unsafe { libc::malloc(bytes.max(8)) }.cast::<u64>();
        assert!(!start.is_null(), "malloc({bytes}) found no memory");
        // SAFETY: at least eight bytes, aligned to more.
        unsafe { start.write(bytes as u64) };
        Self(start)
    }

    #[inline]
    pub fn bytes(&self) -> u64 {
        // SAFETY: live, and written by `new`.
        unsafe { self.0.read() }
    }
}

impl Drop for Block {
    #[inline]
    fn drop(&mut self) {
        assert!(self.bytes() < 1 << 32, "a block was overwritten");
        // SAFETY: live until here.
        unsafe { libc::free(self.0.cast()) };
    }
}

/// Random numbers, the same ones for the same seed.
pub struct Dice(Pcg32);

impl Dice {
    pub fn new(seed: usize) -> Self {
        Self(Pcg32::seed_from_u64(seed as u64))
    }

    /// A number below `limit`.
    #[inline]
    pub fn below(&mut self, limit: usize) -> usize {
        ((u64::from(self.0.next_u32()) * limit as u64) >> 32) as usize
    }

    /// Mostly small, seldom large: each doubling of the size is half as likely, from 16 bytes up to `16 << doublings`.
    #[inline]
    pub fn skewed(&mut self, doublings: u32) -> usize {
        let class = self.0.next_u32().trailing_zeros().min(doublings);
        let base = 16 << class;
        base + self.below(base)
    }
}
