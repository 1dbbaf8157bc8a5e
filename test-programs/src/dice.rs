//! Numbers that look like chance and are the same in every run.

/// A generator of the kind called xorshift.
pub struct Dice(u64);

impl Dice {
    /// Starts the sequence of `seed`, which must not be 0.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u32 as usize % bound
    }
}
