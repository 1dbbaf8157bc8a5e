//! One run of ops in a process of its own, and how it went.

use crate::record::record;

/// Stands for the slot where a failed check concerns no slot.
pub const NO_SLOT: u32 = u32::MAX;

record! {
    /// The ops `first..first + count` of the file, run in one process; all but these two numbers are results.
    pub struct Sequence of 56 bytes {
        /// The number of its first op in the file.
        pub first: u32,
        /// How many ops it has.
        pub count: u32,
        /// Result: the op, counted from the first, that is running or was begun last; `count` once all of them are over.
        pub at: u32,
        /// Result: the slot of the other block (`OVERLAP`) or of the damaged one (`WRITTEN_INTO`), or [`NO_SLOT`].
        pub block: u32,
        /// Result: the status of the failed check, see [`crate::check`], or 0.
        pub check: i32,
        /// Result: the exit status, or the number of the signal that ended or stopped the process, as [`State`] says.
        pub status: i32,
        /// Result: what the failed check found. `MISALIGNED`: the address. `OVERLAP`: the address and the size of the new block,
        /// the address of what it overlaps (0: it reaches beyond all memory). The others: the number of the byte in the
        /// payload, what it is, what it must be. Of a sequence that is timed: its passes, their calls, the nanoseconds of them all.
        pub details: [u64; 3],
        /// Result: a [`State`].
        pub state: u8,
        /// Result: 1 while an `os_*` call has not returned. A crash with 0 came of the replayer's touching a block.
        pub inside: u8,
        /// Not used.
        pub reserved: [u8; 6],
    }
}

/// How far the run of a sequence came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Not begun.
    Waiting = 0,
    /// Begun and, as far as is known, not ended.
    Begun = 1,
    /// Ended by itself; the status is its exit status.
    Exited = 2,
    /// Killed by the signal that the status tells.
    Signalled = 3,
    /// Killed because it took too long.
    TimedOut = 4,
    /// Stopped by the signal that the status tells, then killed.
    Stopped = 5,
}

impl Sequence {
    /// The ops `first..first + count`, not yet run.
    #[must_use]
    pub fn new(first: u32, count: u32) -> Self {
        Self { first, count, block: NO_SLOT, ..Self::default() }
    }

    /// How far its run came, if `state` says so.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        use State::{Begun, Exited, Signalled, Stopped, TimedOut, Waiting};
        [Waiting, Begun, Exited, Signalled, TimedOut, Stopped].into_iter().find(|state| *state as u8 == self.state)
    }

    /// Whether every op was run and no check failed. A library that ends the process early has not passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        let ended = self.state() == Some(State::Exited) && self.at == self.count && self.inside == 0;
        ended && self.status == 0 && self.check == 0
    }
}
