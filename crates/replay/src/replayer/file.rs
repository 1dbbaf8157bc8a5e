//! The file: what it says, in memory that nobody can write to, and the mapping that results are written into.

#![expect(unsafe_code, reason = "maps a file")]

use core::ffi::CStr;
use core::{ptr, slice};

use osmem_replay::{FileHeader, NO_SLOT, Op, Sequence, State, examine};

use crate::message::unusable;
use crate::work::{Work, map};

/// A file that was examined and is whole.
///
/// F1: `results` is a writable shared mapping of the whole file, aligned to a page. Children and whatever they leave behind
/// write into it too, therefore nothing is ever read from it and everything is written as volatile.
/// F2: the header, the sequences and the ops are a copy that cannot be written to any more, so that a library that writes
/// wild can spoil neither another sequence nor the parent.
pub struct File {
    pub header: FileHeader,
    sequences: &'static [Sequence],
    ops: &'static [Op],
    results: *mut u8,
    pub work: Work,
}

/// Opens, maps, copies and examines the file at `path`; ends the program if it is not what it must be.
pub fn open(path: &CStr) -> File {
    let (results, length) = map_file(path);
    // Shared: a fork copies the page table of private memory, which takes longer the more sequences there are.
    let Some(copy) = map(length, libc::MAP_SHARED) else { unusable("there is no memory to copy the file") };
    // SAFETY: both mappings are as long as the file, and so far nobody writes to either.
    let bytes = unsafe {
        ptr::copy_nonoverlapping(results, copy, length);
        if libc::mprotect(copy.cast(), length, libc::PROT_READ) != 0 {
            unusable("the copy of the file cannot be protected");
        }
        slice::from_raw_parts(copy, length)
    };
    let header = match examine(bytes) {
        Ok(header) => header,
        Err(reason) => unusable(reason),
    };
    // SAFETY: F2; the examination found the records where the header says; each has a size that is a multiple of its
    // alignment, 8, and is valid whatever its bytes are.
    let (sequences, ops) = unsafe {
        let start = |offset: u64| copy.add(usize::try_from(offset).unwrap_or(0));
        (
            slice::from_raw_parts(start(header.sequence_at(0)).cast::<Sequence>(), header.sequences as usize),
            slice::from_raw_parts(start(header.op_at(0)).cast::<Op>(), header.ops as usize),
        )
    };
    let longest = sequences.iter().map(|sequence| sequence.count).max().unwrap_or(0);
    let Some(work) = Work::map(header.slots, longest) else { unusable("there is no memory for so many ops and slots") };
    File { header, sequences, ops, results, work }
}

fn map_file(path: &CStr) -> (*mut u8, usize) {
    // SAFETY: the path is a C string, and `stat` is valid whatever its bytes are.
    unsafe {
        let descriptor = libc::open(path.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        if descriptor < 0 {
            unusable("the file cannot be opened to read and write");
        }
        let mut stat: libc::stat = core::mem::zeroed();
        if libc::fstat(descriptor, &raw mut stat) != 0 || stat.st_mode & libc::S_IFMT != libc::S_IFREG {
            unusable("the file is not a regular one");
        }
        let length = usize::try_from(stat.st_size).unwrap_or(0);
        if length == 0 {
            unusable("the file is empty");
        }
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let start = libc::mmap(ptr::null_mut(), length, protection, libc::MAP_SHARED, descriptor, 0);
        libc::close(descriptor);
        if start == libc::MAP_FAILED {
            unusable("the file cannot be mapped");
        }
        (start.cast(), length)
    }
}

/// Writes fields of a record in the file.
macro_rules! write_fields {
    ($record:expr, $($field:ident = $value:expr),+) => {{
        let record = $record;
        // SAFETY: F1; the record is one of those that the examination found.
        unsafe { $((&raw mut (*record).$field).write_volatile($value);)+ }
    }};
}

impl File {
    /// The ops of the sequence with this number, and where its results go.
    pub fn sequence(&self, index: u32) -> (&'static [Op], Results) {
        let sequence = self.sequences[index as usize];
        let ops = &self.ops[sequence.first as usize..][..sequence.count as usize];
        (
            ops,
            Results {
                sequence: self.at(self.header.sequence_at(index)),
                ops: self.at(self.header.op_at(sequence.first)),
            },
        )
    }

    /// Writes down that this many sequences are finished.
    pub fn finished(&self, sequences: u32) {
        write_fields!(self.at::<FileHeader>(0), progress = sequences);
    }

    fn at<T>(&self, offset: u64) -> *mut T {
        self.results.wrapping_add(usize::try_from(offset).unwrap_or(0)).cast()
    }
}

/// Where the results of one sequence go, in the shared mapping.
#[derive(Clone, Copy)]
pub struct Results {
    sequence: *mut Sequence,
    ops: *mut Op,
}

impl Results {
    /// The sequence begins; what an earlier run has left goes.
    pub fn begun(self) {
        self.failed(0, NO_SLOT, [0; 3]);
        write_fields!(self.sequence, at = 0, inside = 0, status = 0, state = State::Begun as u8);
    }

    /// The process of the sequence is over.
    pub fn over(self, state: State, status: i32) {
        write_fields!(self.sequence, state = state as u8, status = status);
    }

    /// The op with this number is the one that runs; the number of ops stands for the end.
    pub fn at(self, op: u32) {
        write_fields!(self.sequence, at = op);
    }

    /// Whether a call of the library runs.
    pub fn inside(self, inside: bool) {
        write_fields!(self.sequence, inside = u8::from(inside));
    }

    /// The op is over; it is one of this sequence.
    pub fn done(self, op: u32, result: usize) {
        write_fields!(self.ops.wrapping_add(op as usize), result = result as u64, done = 1);
    }

    /// Writes down the passes over the sequence, their calls, and the nanoseconds of them all.
    pub fn timed(self, passes: u64, calls: u64, nanoseconds: u64) {
        write_fields!(self.sequence, details = [passes, calls, nanoseconds]);
    }

    /// A check failed.
    pub fn failed(self, check: i32, block: u32, details: [u64; 3]) {
        write_fields!(self.sequence, block = block, details = details, check = check);
    }
}
