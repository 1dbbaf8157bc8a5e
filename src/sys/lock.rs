//! A lock in one word, which an uncontended call takes without the system, and which may stand in memory that was never
//! initialised but for zeros.
//!
//! The word names its owner, a thread, so that a thread that forks in the middle of a call, from a signal handler, finds
//! that it holds the lock already. No method changes errno.
//!
//! The word itself, and how a thread waits for it to change, is another module's: `tests/lock.rs` puts a word of loom's in
//! its place, and has all orders of events tried out.

use super::futex::{LOOKS, Word, me};
use std::sync::atomic::Ordering;

const FREE: u64 = 0;
/// Beside the owner: another thread may be asleep.
const AWAITED: u64 = 1;

/// A lock: 0, or the owner and whether it is awaited.
#[derive(Debug)]
pub(crate) struct Lock(Word);

impl Lock {
    /// Makes a lock of a word that is 0, which is free.
    pub(crate) const fn over(word: Word) -> Self {
        Self(word)
    }

    /// Acquires the lock, blocking while it is held.
    #[inline]
    pub(crate) fn acquire(&self) {
        let me = me();
        if self.0.compare_exchange(FREE, me, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.wait(me);
        }
    }

    /// Acquires the lock, blocking while another thread holds it; `false` if the calling thread holds it already.
    #[inline]
    pub(crate) fn acquire_unless_mine(&self) -> bool {
        let me = me();
        if self.0.compare_exchange(FREE, me, Ordering::Acquire, Ordering::Relaxed).is_err() {
            if self.is_mine() {
                return false;
            }
            self.wait(me);
        }
        true
    }

    /// Releases the lock, which the caller holds, or holds the copy of after a fork.
    #[inline]
    pub(crate) fn release(&self) {
        if self.0.swap(FREE, Ordering::Release) & AWAITED != 0 {
            self.0.wake_one();
        }
    }

    /// Whether the calling thread holds the lock. Only the thread itself could have written its number, so what other
    /// threads do at the same time makes no difference.
    pub(crate) fn is_mine(&self) -> bool {
        self.0.load(Ordering::Relaxed) & !AWAITED == me()
    }

    #[cold]
    fn wait(&self, me: u64) {
        for _ in 0..LOOKS {
            if self.0.load(Ordering::Relaxed) == FREE
                && self.0.compare_exchange(FREE, me, Ordering::Acquire, Ordering::Relaxed).is_ok()
            {
                return;
            }
            Word::pause();
        }
        loop {
            let seen = self.0.load(Ordering::Relaxed);
            if seen == FREE {
                // A thread that comes from here marks the lock as awaited, if need be without cause: it costs one needless
                // call.
                if self.0.compare_exchange(FREE, me | AWAITED, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                    return;
                }
                continue;
            }
            let awaited = seen | AWAITED;
            let is_marked =
                seen == awaited || self.0.compare_exchange(seen, awaited, Ordering::Relaxed, Ordering::Relaxed).is_ok();
            if is_marked {
                self.0.wait_while(awaited);
            }
        }
    }
}
