//! Full batches of kept blocks on their way from one thread to another. Only touched under the lock.

use super::Kept;
use super::cache::{Batch, SIZES, batch, links, size_on};

/// Bytes of payload that wait here at most, however much is in use, and at least, however little.
const MOST: usize = 1 << 20;
const LEAST: usize = 64 << 10;

/// The batches of each size.
#[derive(Debug)]
pub(super) struct Depot {
    first: [Option<Kept>; SIZES],
    bytes: usize,
    /// Bytes of small blocks that are not the heap's: in use, kept by threads, or here.
    outside: usize,
}

impl Depot {
    pub(super) const fn new() -> Self {
        Self { first: [None; SIZES], bytes: 0, outside: 0 }
    }

    /// Notes that small blocks were taken from the heap.
    pub(super) const fn went_out(&mut self, bytes: usize) {
        self.outside += bytes;
    }

    /// Notes that small blocks went back to the heap.
    pub(super) const fn came_back(&mut self, bytes: usize) {
        self.outside = self.outside.saturating_sub(bytes);
    }

    /// Bytes that may wait: a quarter of all that is outside.
    fn most(&self) -> usize {
        (self.outside / 4).clamp(LEAST, MOST)
    }

    /// Takes out a batch that is too much, if any is; less is in use than when it came.
    pub(super) fn take_surplus(&mut self) -> Option<(usize, Batch)> {
        if self.bytes > self.most() { self.take_any() } else { None }
    }

    /// Takes a batch in; hands it back if it is not full or there is no room.
    pub(super) fn put(&mut self, shelf: usize, full: Batch) -> Option<Batch> {
        let bytes = full.count as usize * size_on(shelf);
        if full.count != batch(shelf) || self.bytes + bytes > self.most() {
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

    /// Any batch, and its shelf, if there is one.
    pub(super) fn take_any(&mut self) -> Option<(usize, Batch)> {
        (0..SIZES).find_map(|shelf| Some((shelf, self.take(shelf)?)))
    }
}
