//! A lock in one word, which an uncontended call takes without the system, and which may stand in memory that was never
//! initialised but for zeros.
//!
//! The word names its owner, a thread, so that a thread that forks in the middle of a call, from a signal handler, finds
//! that it holds the lock already. No method changes errno.

use super::{raw, thread};
use std::hint;
use std::sync::atomic::{AtomicU64, Ordering};

const FREE: u64 = 0;
/// Beside the owner: another thread may be asleep.
const AWAITED: u64 = 1;

/// Looks at the lock before a thread goes to sleep: it is held for far less than a switch of threads takes.
const LOOKS: u32 = 100;

/// A lock: 0, or the owner and whether it is awaited.
#[derive(Debug)]
pub(crate) struct Lock(AtomicU64);

impl Lock {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(FREE))
    }

    /// Acquires the lock, blocking while it is held.
    #[inline]
    pub(crate) fn acquire(&self) {
        let me = thread::number();
        if self.0.compare_exchange(FREE, me, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.wait(me);
        }
    }

    /// Acquires the lock, blocking while another thread holds it; `false` if the calling thread holds it already.
    #[inline]
    pub(crate) fn acquire_unless_mine(&self) -> bool {
        let me = thread::number();
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
            raw::futex_wake(self.low_half());
        }
    }

    /// Whether the calling thread holds the lock. Only the thread itself could have written its number, so what other
    /// threads do at the same time makes no difference.
    pub(crate) fn is_mine(&self) -> bool {
        self.0.load(Ordering::Relaxed) & !AWAITED == thread::number()
    }

    #[cold]
    fn wait(&self, me: u64) {
        for _ in 0..LOOKS {
            if self.0.load(Ordering::Relaxed) == FREE
                && self.0.compare_exchange(FREE, me, Ordering::Acquire, Ordering::Relaxed).is_ok()
            {
                return;
            }
            hint::spin_loop();
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
                #[expect(clippy::cast_possible_truncation, reason = "the half that the kernel compares")]
                raw::futex_wait(self.low_half(), awaited as u32);
            }
        }
    }

    /// Returns the half of the word that the kernel looks at: with its low bits, on the machines that are supported.
    fn low_half(&self) -> *const u32 {
        const { assert!(cfg!(target_endian = "little"), "the low half comes first") };
        self.0.as_ptr().cast_const().cast()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::UnsafeCell;
    use std::thread;

    struct Counter(Lock, UnsafeCell<u64>);

    // SAFETY: the number is only touched while the lock is held.
    unsafe impl Sync for Counter {}

    #[test]
    fn four_threads_count_without_a_loss() {
        let counter = Counter(Lock::new(), UnsafeCell::new(0));
        let whole = &counter;
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(move || {
                    for _ in 0..50_000 {
                        whole.0.acquire();
                        // SAFETY: the lock is held.
                        unsafe { *whole.1.get() += 1 };
                        whole.0.release();
                    }
                });
            }
        });
        assert_eq!(counter.1.into_inner(), 200_000);
    }
}
