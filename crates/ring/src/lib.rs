//! Notes that a traced program leaves for its tracer, without a system call for each.
//!
//! A [`Ring`] lies in the memory of the traced program, which tells its address to the tracer by a mark (`docs/design.md`). A tracer that
//! can read it sets its mode; from then on the program writes notes instead of marks. The tracer reads them whenever the program stands
//! still in a system call, and at its end: what was noted by then came before that call. When the ring is full the program makes a mark,
//! so that nothing is ever overwritten unread.
//!
//! The ring has one writer: the tracer takes the mode back as soon as a second thread is made, or a process that shares the memory.
//! Each note carries a check made with the key of the run. It guards against mistakes and wild writes, as the key of a mark does; it is no
//! cipher.
//!
//! Nothing here asks for memory or needs the standard library, and all of it is safe code.
#![no_std]

use core::sync::atomic::{AtomicU64, Ordering};

/// Notes in a ring.
pub const CAPACITY: u64 = PLACES as u64;
const PLACES: usize = 2048;

/// Where the mode lies in a ring, in bytes.
pub const MODE: u64 = 0;
/// Where the number of notes so far lies in a ring, in bytes.
pub const COUNT: u64 = 8;
/// Bytes of a note in a ring.
pub const NOTE: usize = 32;

/// The mode of a ring that nobody reads: marks are made instead.
pub const MARKS: u64 = 0;
/// The mode of a ring that is read.
pub const NOTES: u64 = 1;

/// What a note can say; the meaning of its two values follows.
pub mod kind {
    /// A thread enters `os_malloc`: size.
    pub const MALLOC: u64 = 1;
    /// It enters `os_calloc`: nmemb, size.
    pub const CALLOC: u64 = 2;
    /// It enters `os_realloc`: pointer, size.
    pub const REALLOC: u64 = 3;
    /// It enters `os_free`: pointer.
    pub const FREE: u64 = 4;
    /// The call returned a pointer.
    pub const RETURNED: u64 = 5;
    /// The call returned, and has no result.
    pub const DONE: u64 = 6;
    /// A child of the replayer begins: the number of its sequence.
    pub const SEQUENCE: u64 = 16;
    /// It begins an operation: its number.
    pub const OP: u64 = 17;
    /// It moves the break itself.
    pub const PROGRAM: u64 = 18;
    /// It has done so.
    pub const PROGRAM_DONE: u64 = 19;
    /// Its last operation has returned.
    pub const END: u64 = 20;
}

/// Something that the program says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// One of [`kind`].
    pub kind: u64,
    /// See there.
    pub first: u64,
    /// See there.
    pub second: u64,
}

/// Where notes are left; see the page of the crate.
#[repr(C, align(64))]
pub struct Ring {
    mode: AtomicU64,
    count: AtomicU64,
    notes: [[AtomicU64; 4]; PLACES],
}

impl Default for Ring {
    fn default() -> Self {
        Self::new()
    }
}

impl Ring {
    /// An empty ring that nobody reads.
    pub const fn new() -> Self {
        const fn word() -> AtomicU64 {
            AtomicU64::new(0)
        }
        Self { mode: word(), count: word(), notes: [const { [const { word() }; 4] }; PLACES] }
    }

    /// Whether a tracer reads it.
    pub fn is_read(&self) -> bool {
        self.mode.load(Ordering::Relaxed) == NOTES
    }

    /// Leaves a note. True where the ring is full thereby: the tracer must be told before the next one.
    pub fn leave(&self, key: u64, note: Note) -> bool {
        let count = self.count.load(Ordering::Relaxed);
        let place = count % CAPACITY;
        if let Some(words) = self.notes.get(usize::try_from(place).unwrap_or(0)) {
            let values = [note.kind, note.first, note.second, check(key, count, note)];
            words.iter().zip(values).for_each(|(word, value)| word.store(value, Ordering::Relaxed));
        }
        // The tracer reads while this thread stands still: what matters is the order of these stores in the program.
        self.count.store(count + 1, Ordering::Release);
        place + 1 == CAPACITY
    }
}

/// Where the note of this number (counted from 0) lies in a ring, in bytes.
pub fn place(number: u64) -> u64 {
    16 + (number % CAPACITY) * NOTE as u64
}

/// The note of this number, read from a ring; `None` where its check is wrong.
pub fn read(key: u64, number: u64, bytes: &[u8; NOTE]) -> Option<Note> {
    let (words, _) = bytes.as_chunks::<8>();
    let [kind, first, second, sum] = [0, 1, 2, 3].map(|at| words.get(at).map_or(0, |word| u64::from_ne_bytes(*word)));
    let note = Note { kind, first, second };
    (check(key, number, note) == sum).then_some(note)
}

/// Changes with every bit of its arguments.
fn check(key: u64, number: u64, note: Note) -> u64 {
    let mix = |sum: u64, word: u64| {
        let product = (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        product ^ product >> 29
    };
    [number, note.kind, note.first, note.second, key.rotate_left(32)].into_iter().fold(key, mix)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: u64 = 0x1234_5678_9abc_def0;

    /// The note of this number as a tracer reads it.
    fn bytes(ring: &Ring, number: u64) -> [u8; NOTE] {
        let mut bytes = [0; NOTE];
        let words = &ring.notes[usize::try_from(number % CAPACITY).unwrap_or(0)];
        for (to, word) in bytes.chunks_mut(8).zip(words) {
            to.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
        }
        bytes
    }

    #[test]
    fn a_note_is_read_as_it_was_left() {
        let ring = Ring::new();
        assert!(!ring.is_read());
        ring.mode.store(NOTES, Ordering::Relaxed);
        assert!(ring.is_read());
        for number in 0..2 * CAPACITY {
            let note = Note { kind: kind::CALLOC, first: number, second: u64::MAX - number };
            assert_eq!(ring.leave(KEY, note), number % CAPACITY == CAPACITY - 1, "{number}");
            assert_eq!(read(KEY, number, &bytes(&ring, number)), Some(note));
        }
    }

    #[test]
    fn no_other_key_place_or_value_passes() {
        let ring = Ring::new();
        ring.leave(KEY, Note { kind: kind::FREE, first: 0x1000, second: 0 });
        let good = bytes(&ring, 0);
        assert!(read(KEY, 0, &good).is_some());
        assert_eq!(read(KEY, 1, &good), None);
        for bit in 0..64 {
            assert_eq!(read(KEY ^ 1 << bit, 0, &good), None, "{bit}");
        }
        for bit in 0..NOTE * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(KEY, 0, &bad), None, "{bit}");
        }
    }

    #[test]
    fn the_ring_lies_as_the_tracer_reads_it() {
        assert_eq!(u64::try_from(core::mem::offset_of!(Ring, mode)), Ok(MODE));
        assert_eq!(u64::try_from(core::mem::offset_of!(Ring, count)), Ok(COUNT));
        assert_eq!(u64::try_from(core::mem::offset_of!(Ring, notes)), Ok(place(0)));
        assert_eq!(place(CAPACITY + 3), place(3));
        assert_eq!(place(1) - place(0), NOTE as u64);
    }
}
