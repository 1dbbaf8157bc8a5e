//! Random programs as the replayer reads them.

use osmem_oracle::program::{Op, Pointer, Refused};
use osmem_replay::{FileHeader, Refusal, Sequence, file_length};

/// A program as the replayer reads it.
pub fn encoded(ops: &[Op]) -> Vec<u8> {
    let count = u32::try_from(ops.len()).unwrap();
    let mut header = FileHeader::new(1, count, 1 << 10);
    header.thorough = 1;
    let pointer = |pointer| match pointer {
        Pointer::Null => osmem_replay::Pointer::Null,
        Pointer::Slot { slot, offset } => osmem_replay::Pointer::Slot(slot, offset),
        Pointer::Stack => osmem_replay::Pointer::Stack(0),
    };
    let refusal = |refused| match refused {
        Refused::Nothing => Refusal::Nothing,
        Refused::Break => Refusal::Break,
        Refused::Mappings => Refusal::Mappings,
    };
    let mut bytes = header.to_bytes().to_vec();
    bytes.extend(Sequence::new(0, count).to_bytes());
    for op in ops {
        let step = match *op {
            Op::Malloc { slot, size } => osmem_replay::Op::malloc(slot, size),
            Op::Calloc { slot, nmemb, size } => osmem_replay::Op::calloc(slot, nmemb, size),
            Op::Realloc { slot, pointer: from, size } => osmem_replay::Op::realloc(slot, pointer(from), size),
            Op::Free { pointer: from } => osmem_replay::Op::free(pointer(from)),
            Op::MoveBreak { by } => osmem_replay::Op::move_break(by),
            Op::Refuse(refused) => osmem_replay::Op::refuse(refusal(refused)),
        };
        bytes.extend(step.to_bytes());
    }
    bytes.resize(usize::try_from(file_length(&header)).unwrap(), 0);
    bytes
}
