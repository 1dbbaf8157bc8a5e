//! The notes that a traced process leaves in its memory: read whenever it stands still, see the crate `osmem_ring`.

use osmem_ring::{CAPACITY, COUNT, MARKS, MODE, NOTE, NOTES, Note, place, read};

use super::kernel::Tid;
use super::memory;

/// Notes that are read along with their number.
const AT_ONCE: usize = 8;

/// A ring in the memory of a process.
#[derive(Clone, Copy, Debug)]
pub struct Notes {
    address: u64,
    key: u64,
    /// Notes that have been read.
    seen: u64,
}

/// Something that lies among the notes and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

impl Notes {
    /// Begins to read the ring at `address`; `None` where there is none.
    pub fn begin(tid: Tid, address: u64, key: u64) -> Option<Self> {
        let seen = memory::read_number(tid, address.checked_add(COUNT)?)?;
        memory::write_number(tid, address + MODE, NOTES).then_some(Self { address, key, seen })
    }

    /// Has marks made from now on.
    pub fn end(&self, tid: Tid) {
        // A process without this memory makes no more notes either.
        let _ = memory::write_number(tid, self.address + MODE, MARKS);
    }

    /// Gives the notes that are new to `take`.
    pub fn read(&mut self, tid: Tid, mut take: impl FnMut(Note)) -> Result<(), Damaged> {
        let mut count = [0; 8];
        let mut bytes = [0; NOTE * AT_ONCE];
        let ahead = self.contiguous(AT_ONCE as u64);
        let first = (self.address + COUNT, &mut count[..]);
        let second = (self.address + place(self.seen), &mut bytes[..length(ahead)]);
        if !memory::read_two(tid, first, second) {
            return Err(Damaged);
        }
        let mut left =
            u64::from_ne_bytes(count).checked_sub(self.seen).filter(|new| *new <= CAPACITY).ok_or(Damaged)?;
        let here = left.min(ahead);
        self.take(&bytes[..length(here)], &mut take)?;
        left -= here;
        while left > 0 {
            let here = self.contiguous(left);
            let mut bytes = vec![0; length(here)];
            if !memory::read(tid, self.address + place(self.seen), &mut bytes) {
                return Err(Damaged);
            }
            self.take(&bytes, &mut take)?;
            left -= here;
        }
        Ok(())
    }

    /// Passes over the notes that are new.
    pub fn skip(&mut self, tid: Tid) {
        self.seen = memory::read_number(tid, self.address + COUNT).unwrap_or(self.seen);
    }

    /// How many of the next `wanted` notes lie one behind the other.
    fn contiguous(&self, wanted: u64) -> u64 {
        wanted.min(CAPACITY - self.seen % CAPACITY)
    }

    fn take(&mut self, bytes: &[u8], take: &mut impl FnMut(Note)) -> Result<(), Damaged> {
        for bytes in bytes.as_chunks::<NOTE>().0 {
            take(read(self.key, self.seen, bytes).ok_or(Damaged)?);
            self.seen += 1;
        }
        Ok(())
    }
}

fn length(notes: u64) -> usize {
    usize::try_from(notes).unwrap_or(0) * NOTE
}
