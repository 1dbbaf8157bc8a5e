//! The one allocator of the `os_*` functions, its lock, and what is set for it.
#![expect(unsafe_code, reason = "a global behind a lock")]

use crate::alloc::{Allocator, Misuse, Stats};
use crate::policy::Policy;
use crate::report;
use crate::settings::{OnMisuse, Settings};
use crate::sys::forks::Forks;
use crate::sys::linux::Linux;
use crate::sys::lock::Lock;
use libc::c_void;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU8, Ordering};

/// The header of the blocks: the contract's, unless this package is built with the feature `compact`.
#[cfg(not(feature = "compact"))]
pub(super) type Layout = crate::block::Full;
#[cfg(feature = "compact")]
pub(super) type Layout = crate::block::Compact<8>;

/// The process has one break, so there is one allocator over it.
pub(super) static GLOBAL: Global = Global {
    lock: Lock::new(),
    allocator: UnsafeCell::new(Allocator::with_policy(Linux::new(), Policy::EXACT)),
    forks: Forks::new(),
    on_misuse: AtomicU8::new(OnMisuse::Ignore as u8), // the contract (R14)
};

pub(super) struct Global {
    lock: Lock,
    allocator: UnsafeCell<Allocator<Linux, Layout>>,
    forks: Forks,
    on_misuse: AtomicU8,
}

// SAFETY: the allocator is only reached while the lock is held (`locked`, `show`).
unsafe impl Sync for Global {}

impl Global {
    /// Does `work` under the lock. Returns `None`, and does nothing, if this thread is in the middle of a call already: of
    /// `show`, or in a signal handler.
    #[inline]
    pub(super) fn locked<R>(&self, work: impl FnOnce(&mut Allocator<Linux, Layout>) -> R) -> Option<R> {
        if !self.lock.acquire_unless_mine() {
            return self.forks.between_handlers(|| {
                // SAFETY: this thread holds the lock for a fork, and is in no other call.
                work(unsafe { &mut *self.allocator.get() })
            });
        }
        // SAFETY: the lock is held, and this thread did not hold it before.
        let result = work(unsafe { &mut *self.allocator.get() });
        self.lock.release();
        Some(result)
    }

    /// Does `work`, which may call anything, under the lock. Returns `None`, and does nothing, if this thread is in the
    /// middle of a call already.
    pub(super) fn show<R>(&self, work: impl FnOnce(&Allocator<Linux, Layout>) -> R) -> Option<R> {
        if !self.lock.acquire_unless_mine() {
            return self.forks.between_handlers(|| {
                // SAFETY: as in `locked`.
                work(unsafe { &*self.allocator.get() })
            });
        }
        // SAFETY: the lock is held; `locked` needs it to change anything.
        let result = work(unsafe { &*self.allocator.get() });
        self.lock.release();
        Some(result)
    }

    /// Whether misuse, and a broken heap, are to be spoken of.
    pub(super) fn speaks(&self) -> bool {
        self.on_misuse.load(Ordering::Relaxed) != OnMisuse::Ignore as u8
    }

    /// What `payload` is instead of a live block, if anybody wants to know.
    #[cold]
    pub(super) fn diagnose(&self, allocator: &Allocator<Linux, Layout>, payload: *mut c_void) -> Found {
        self.speaks().then(|| allocator.diagnose(payload.cast()))
    }

    /// Does what is set about what `diagnose` found. Not under the lock.
    #[inline]
    pub(super) fn misused(&self, call: &str, payload: *mut c_void, found: Found) {
        if let Some(found) = found {
            let aborts = self.on_misuse.load(Ordering::Relaxed) == OnMisuse::Abort as u8;
            report::misuse(call, payload.addr(), found, aborts);
        }
    }
}

/// What a pointer is, and the size of the block that it points into.
type Found = Option<(Misuse, Option<usize>)>;

/// Makes the settings hold that are not against the contract.
pub(crate) fn configure(settings: Settings) {
    if let Some(on_misuse) = settings.on_misuse {
        GLOBAL.on_misuse.store(on_misuse as u8, Ordering::Relaxed);
    }
}

/// What the heap holds; `None` if this thread is in the middle of a walk.
pub(crate) fn stats() -> Option<Stats> {
    GLOBAL.locked(|allocator| allocator.stats())
}

/// Acquires the lock, so that a child does not inherit a heap in the middle of a change.
pub(crate) fn before_fork() {
    GLOBAL.forks.prepare(&GLOBAL.lock);
}

/// Releases the lock, or the child's copy of it, if `before_fork` acquired it.
pub(crate) fn after_fork() {
    GLOBAL.forks.finish(&GLOBAL.lock);
}
