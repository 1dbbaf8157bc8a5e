//! The head of a file: how many of everything, and what holds for all sequences.

use crate::op::Op;
use crate::record::record;
use crate::sequence::Sequence;

/// What a file starts with.
pub const MAGIC: [u8; 8] = *b"osmem-rp";
/// The version of the format.
pub const VERSION: u32 = 1;

record! {
    /// Stands at the start of a file; behind it `sequences` times [`Sequence`], then `ops` times [`Op`], and nothing more.
    pub struct FileHeader of 56 bytes {
        /// [`MAGIC`].
        pub magic: [u8; 8],
        /// The key that every mark starts with.
        pub key: u64,
        /// How long a sequence may take, in milliseconds; not 0.
        pub time_limit: u64,
        /// [`VERSION`].
        pub version: u32,
        /// How many sequences there are.
        pub sequences: u32,
        /// How many ops there are, over all sequences.
        pub ops: u32,
        /// The largest number of a slot in any sequence, plus 1.
        pub slots: u32,
        /// Result: how many sequences are finished, when all are run.
        pub progress: u32,
        /// Not 0: blocks of more than 16 KiB too are filled and verified whole, not only at both ends.
        pub thorough: u8,
        /// Not used.
        pub reserved: [u8; 11],
    }
}

impl FileHeader {
    /// A header with these counts, one second for each sequence, not thorough and with the key 0.
    #[must_use]
    pub fn new(sequences: u32, ops: u32, slots: u32) -> Self {
        Self { magic: MAGIC, version: VERSION, time_limit: 1000, sequences, ops, slots, ..Self::default() }
    }

    /// Where in the file the sequence with this number stands.
    #[must_use]
    pub fn sequence_at(&self, index: u32) -> u64 {
        Self::SIZE as u64 + u64::from(index) * Sequence::SIZE as u64
    }

    /// Where in the file the op with this number, counted over all sequences, stands.
    #[must_use]
    pub fn op_at(&self, index: u32) -> u64 {
        self.sequence_at(self.sequences) + u64::from(index) * Op::SIZE as u64
    }

    /// The sequence with this number in `file`, which has this header, or had it before a library wrote wild.
    #[must_use]
    pub fn sequence(&self, file: &[u8], index: u32) -> Option<Sequence> {
        (index < self.sequences).then(|| Sequence::first_of(behind(file, self.sequence_at(index))?)).flatten()
    }

    /// The op with this number, counted over all sequences, in `file`.
    #[must_use]
    pub fn op(&self, file: &[u8], index: u32) -> Option<Op> {
        (index < self.ops).then(|| Op::first_of(behind(file, self.op_at(index))?)).flatten()
    }
}

/// How long a file with this header is.
#[must_use]
pub fn file_length(header: &FileHeader) -> u64 {
    header.op_at(header.ops)
}

fn behind(file: &[u8], offset: u64) -> Option<&[u8]> {
    file.get(usize::try_from(offset).ok()?..)
}
