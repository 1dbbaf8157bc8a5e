//! Full batches of kept blocks on their way from one thread to another. Only touched under the lock.

use super::Kept;
use super::cache::{Batch, SIZES, batch, links, size_on};

/// Bytes of payload that wait here at most; what would be more goes back to the heap.
const MOST: usize = 1 << 20;

/// The batches of each size.
#[derive(Debug)]
pub(super) struct Depot {
    first: [Option<Kept>; SIZES],
    bytes: usize,
}

impl Depot {
    pub(super) const fn new() -> Self {
        Self { first: [None; SIZES], bytes: 0 }
    }

    /// Takes a batch in; hands it back if it is not full or there is no room.
    pub(super) fn put(&mut self, shelf: usize, full: Batch) -> Option<Batch> {
        let bytes = full.count as usize * size_on(shelf);
        if full.count != batch(shelf) || self.bytes + bytes > MOST {
            return Some(full);
        }
        if let Some(mut first) = full.first {
            links(&mut first).next_batch = self.first[shelf];
            self.first[shelf] = Some(first);
            self.bytes += bytes;
        }
        None
    }

    /// A full batch, if there is one.
    pub(super) fn take(&mut self, shelf: usize) -> Option<Batch> {
        let mut first = self.first[shelf]?;
        self.first[shelf] = links(&mut first).next_batch;
        let full = Batch { first: Some(first), count: batch(shelf) };
        self.bytes -= full.count as usize * size_on(shelf);
        Some(full)
    }

    /// Any batch, if there is one.
    pub(super) fn take_any(&mut self) -> Option<Batch> {
        (0..SIZES).find_map(|shelf| self.take(shelf))
    }
}
