//! A word on which threads wait by the system, for the [`Lock`].
#![cfg_attr(test, expect(unsafe_code, reason = "touches what the lock guards"))]

use super::lock::Lock;
use super::{raw, thread};
use std::hint;
use std::sync::atomic::{AtomicU64, Ordering};

/// Looks at the lock before a thread goes to sleep: it is held for far less than a switch of threads takes.
pub(crate) const LOOKS: u32 = 100;

/// A word that holds the lock's state.
#[derive(Debug)]
pub(crate) struct Word(AtomicU64);

impl Lock {
    pub(crate) const fn new() -> Self {
        Self::over(Word(AtomicU64::new(0)))
    }
}

/// Returns the calling thread's number: even, never 0, no other thread's, and kept by a forked child.
#[inline]
pub(crate) fn me() -> u64 {
    thread::number()
}

impl Word {
    #[inline]
    pub(crate) fn load(&self, order: Ordering) -> u64 {
        self.0.load(order)
    }

    #[inline]
    pub(crate) fn swap(&self, value: u64, order: Ordering) -> u64 {
        self.0.swap(value, order)
    }

    #[inline]
    pub(crate) fn compare_exchange(
        &self,
        old: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.0.compare_exchange(old, new, success, failure)
    }

    /// Lets some time pass, without the system.
    #[inline]
    pub(crate) fn pause() {
        hint::spin_loop();
    }

    /// Sleeps until it is woken, unless the word differs from `value`; may return without cause.
    pub(crate) fn wait_while(&self, value: u64) {
        #[expect(clippy::cast_possible_truncation, reason = "the half that the kernel compares")]
        raw::futex_wait(self.low_half(), value as u32);
    }

    /// Wakes one of those that sleep.
    #[cold]
    pub(crate) fn wake_one(&self) {
        raw::futex_wake(self.low_half());
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

    #[test]
    fn a_lock_knows_its_owner() {
        let lock = Lock::new();
        assert!(lock.acquire_unless_mine() && !lock.acquire_unless_mine());
        lock.release();
        assert!(lock.acquire_unless_mine());
        let other = thread::scope(|scope| scope.spawn(|| lock.is_mine()).join());
        assert_eq!(other.ok(), Some(false));
        lock.release();
    }
}
