//! Tells whether all records of a file make sense.

use crate::header::{FileHeader, MAGIC, VERSION, file_length};

/// The header of `file` if the file is whole and all that it says means something, else what is wrong.
///
/// # Errors
///
/// A sentence without a full stop.
pub fn examine(file: &[u8]) -> Result<FileHeader, &'static str> {
    let header = FileHeader::first_of(file).ok_or("too short to be a file of sequences")?;
    if header.magic != MAGIC {
        return Err("not a file of sequences");
    }
    if header.version != VERSION {
        return Err("written for another version of the replayer");
    }
    if header.time_limit == 0 {
        return Err("the time limit is 0");
    }
    if file_length(&header) != file.len() as u64 {
        return Err("the length is not what the header says");
    }
    for index in 0..header.sequences {
        let sequence = header.sequence(file, index).ok_or("a sequence is missing")?;
        if sequence.first.checked_add(sequence.count).is_none_or(|end| end > header.ops) {
            return Err("a sequence has ops that do not exist");
        }
    }
    for index in 0..header.ops {
        if !header.op(file, index).ok_or("an op is missing")?.is_valid(header.slots) {
            return Err("an op is of no known kind or names a slot that does not exist");
        }
    }
    Ok(header)
}
