//! The last bytes of a stream.

/// Keeps no more than so many bytes; counts all.
#[derive(Debug)]
pub struct Tail {
    bytes: Vec<u8>,
    longest: usize,
    total: u64,
}

impl Tail {
    /// Of nothing so far.
    pub fn new(longest: usize) -> Self {
        Self { bytes: Vec::new(), longest, total: 0 }
    }

    /// Adds what comes next. It may grow to twice its length, so that not every addition moves bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > self.longest.saturating_mul(2) {
            self.bytes.drain(..self.bytes.len() - self.longest);
        }
    }

    /// How many bytes there have been.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The last of them.
    pub fn last(&self) -> &[u8] {
        &self.bytes[self.bytes.len().saturating_sub(self.longest)..]
    }
}
