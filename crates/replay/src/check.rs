//! The checks that a program of the battery or the replayer makes in its own process, each with the exit status that tells it.

/// A result is not a multiple of 8.
pub const MISALIGNED: i32 = 60;
/// A block that was just given lies over memory in use, or reaches beyond all memory.
pub const OVERLAP: i32 = 61;
/// A byte of what `os_calloc` gave is not zero.
pub const NOT_ZEROED: i32 = 62;
/// `os_realloc` did not keep the first `min(old, new)` bytes.
pub const CONTENTS_LOST: i32 = 63;
/// A live block no longer holds what its owner put there.
pub const WRITTEN_INTO: i32 = 64;
/// What the program itself gained by moving the break no longer holds what the program put there.
pub const BREAK_WRITTEN_INTO: i32 = 65;
/// A call did not leave in errno what it must.
pub const ERRNO: i32 = 66;
/// A block lies elsewhere than the program expects, and nothing else is wrong.
pub const MISPLACED: i32 = 67;
/// No fault of the library: the replayer cannot use its file, its arguments or the system.
pub const UNUSABLE: i32 = 70;

/// What went wrong, in words, when a process ended with `status`; `None` if the status stands for no check.
#[must_use]
pub const fn sentence(status: i32) -> Option<&'static str> {
    Some(match status {
        MISALIGNED => "a result is not a multiple of 8",
        OVERLAP => "a new block overlaps memory in use",
        NOT_ZEROED => "os_calloc's payload is not all zero",
        CONTENTS_LOST => "os_realloc lost contents",
        WRITTEN_INTO => "a live block was written into by somebody else",
        BREAK_WRITTEN_INTO => "the program's own part of the break was written into by somebody else",
        ERRNO => "errno is not what it must be",
        MISPLACED => "a block lies elsewhere than it must",
        UNUSABLE => "the replayer cannot use its file, its arguments or the system",
        _ => return None,
    })
}
