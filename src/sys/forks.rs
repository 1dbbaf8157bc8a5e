//! The part of a heap's lock in a fork, and the calls that are allowed meanwhile.
//!
//! Other libraries have fork handlers as well, which may run while the lock is held for the fork. The heap is whole then,
//! and calls of the same thread go through. A thread that held the lock already forks in a walk, or in a signal handler: it
//! finishes its call itself, in parent and child.

use super::lock::Lock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The forks under way of one heap. Changed only by the thread that holds the heap's lock.
#[derive(Debug)]
pub(crate) struct Forks {
    /// Whether the lock was acquired for a fork.
    holds: AtomicBool,
    /// Whether a call is under way meanwhile.
    in_call: AtomicBool,
    /// Forks of a thread that held the lock before.
    inner: AtomicUsize,
}

impl Forks {
    pub(crate) const fn new() -> Self {
        Self { holds: AtomicBool::new(false), in_call: AtomicBool::new(false), inner: AtomicUsize::new(0) }
    }

    /// Acquires the lock, unless the calling thread holds it already.
    pub(crate) fn prepare(&self, lock: &Lock) {
        if lock.acquire_unless_mine() {
            self.holds.store(true, Ordering::Relaxed);
        } else {
            self.inner.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Releases the lock, or the child's copy of it, if [`prepare`](Self::prepare) acquired it.
    pub(crate) fn finish(&self, lock: &Lock) {
        match self.inner.load(Ordering::Relaxed) {
            0 => {
                self.holds.store(false, Ordering::Relaxed);
                lock.release();
            }
            inner => self.inner.store(inner - 1, Ordering::Relaxed),
        }
    }

    /// Begins a call of the thread that holds the lock; `false` if the heap may not be whole.
    pub(crate) fn begin(&self) -> bool {
        self.holds.load(Ordering::Relaxed) && !self.in_call.swap(true, Ordering::Relaxed)
    }

    /// Ends a call that [`begin`](Self::begin) has let in.
    pub(crate) fn end(&self) {
        self.in_call.store(false, Ordering::Relaxed);
    }

    /// Does `work` as such a call; `None`, and nothing is done, if the heap may not be whole.
    pub(crate) fn between_handlers<R>(&self, work: impl FnOnce() -> R) -> Option<R> {
        self.begin().then(|| {
            let result = work();
            self.end();
            result
        })
    }
}
