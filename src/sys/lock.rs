//! A lock in one word, which an uncontended call takes without the system, and which may stand in memory that was never
//! initialised but for zeros. It does not know its owner: a child may release what its parent took before the fork.
#![expect(unsafe_code, reason = "waits by a system call")]

use std::hint;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

const FREE: u32 = 0;
const TAKEN: u32 = 1;
/// Taken, and somebody may be asleep.
const AWAITED: u32 = 2;

/// How often the lock is looked at before a thread goes to sleep: it is held for far less than a switch of threads takes.
const LOOKS: u32 = 100;

/// The lock.
#[derive(Debug)]
pub(crate) struct Lock(AtomicU32);

impl Lock {
    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(FREE))
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
            self.wake();
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
            hint::spin_loop();
        }
        // Whoever comes from here marks the lock as awaited, if need be without cause: it costs one needless call.
        while self.0.swap(AWAITED, Ordering::Acquire) != FREE {
            let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
            // SAFETY: the word lives as long as the lock; the system only compares it.
            unsafe { libc::syscall(libc::SYS_futex, self.0.as_ptr(), operation, AWAITED, ptr::null::<u8>()) };
        }
    }

    #[cold]
    fn wake(&self) {
        let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
        // SAFETY: as in `wait`; the system does not look at the word at all.
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
