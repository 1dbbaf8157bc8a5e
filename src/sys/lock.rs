//! A lock in one word, which an uncontended call takes without the system, and which may stand in memory that was never
//! initialised but for zeros. It does not know its owner: a child may release what its parent took before the fork.
//!
//! The word itself, and how a thread waits for it to change, is another module's: `tests/lock.rs` puts a word of loom's in
//! its place, and has all orders of events tried out.

use super::futex::{LOOKS, Word};
use std::sync::atomic::Ordering;

const FREE: u32 = 0;
const TAKEN: u32 = 1;
/// Taken, and somebody may be asleep.
const AWAITED: u32 = 2;

/// The lock.
#[derive(Debug)]
pub(crate) struct Lock(Word);

impl Lock {
    /// The lock in a word that is 0, which is free.
    pub(crate) const fn over(word: Word) -> Self {
        Self(word)
    }

    /// Takes the lock, sooner or later.
    #[inline]
    pub(crate) fn acquire(&self) {
        if self.0.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.wait();
        }
    }

    /// Releases the lock, which the caller holds, or holds the copy of after a fork.
    #[inline]
    pub(crate) fn release(&self) {
        if self.0.swap(FREE, Ordering::Release) == AWAITED {
            self.0.wake_one();
        }
    }

    #[cold]
    fn wait(&self) {
        for _ in 0..LOOKS {
            if self.0.load(Ordering::Relaxed) == FREE
                && self.0.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
            {
                return;
            }
            Word::pause();
        }
        // Whoever comes from here marks the lock as awaited, if need be without cause: it costs one needless call.
        while self.0.swap(AWAITED, Ordering::Acquire) != FREE {
            self.0.wait_while(AWAITED);
        }
    }
}
