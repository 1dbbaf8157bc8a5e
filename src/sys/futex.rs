//! A word on which threads wait by the system, for the [`Lock`].
#![expect(unsafe_code, reason = "waits by a system call")]

use super::lock::Lock;
use std::hint;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

/// How often the lock is looked at before a thread goes to sleep: it is held for far less than a switch of threads takes.
pub(crate) const LOOKS: u32 = 100;

/// The word.
#[derive(Debug)]
pub(crate) struct Word(AtomicU32);

impl Lock {
    pub(crate) const fn new() -> Self {
        Self::over(Word(AtomicU32::new(0)))
    }
}

impl Word {
    #[inline]
    pub(crate) fn load(&self, order: Ordering) -> u32 {
        self.0.load(order)
    }

    #[inline]
    pub(crate) fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.0.swap(value, order)
    }

    #[inline]
    pub(crate) fn compare_exchange(
        &self,
        old: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        self.0.compare_exchange(old, new, success, failure)
    }

    /// Lets some time pass, without the system.
    #[inline]
    pub(crate) fn pause() {
        hint::spin_loop();
    }

    /// Sleeps until it is woken, unless the word is another than `value`; may return without cause.
    pub(crate) fn wait_while(&self, value: u32) {
        let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
        // SAFETY: the word lives as long as the lock; the system only compares it.
        unsafe { libc::syscall(libc::SYS_futex, self.0.as_ptr(), operation, value, ptr::null::<u8>()) };
    }

    /// Wakes one of those that sleep.
    #[cold]
    pub(crate) fn wake_one(&self) {
        let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
        // SAFETY: as in `wait_while`; the system does not look at the word at all.
        unsafe { libc::syscall(libc::SYS_futex, self.0.as_ptr(), operation, 1) };
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
