//! The one allocator of the `os_*` functions, its lock, and what is set for it.
#![expect(unsafe_code, reason = "a global behind a lock")]

use crate::alloc::{Allocator, Misuse, Stats};
use crate::policy::Policy;
use crate::report;
use crate::settings::{OnMisuse, Settings};
use crate::sys::linux::Linux;
use crate::sys::lock::Lock;
use libc::c_void;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// The header of the blocks: the contract's, unless this package is built with the feature `compact`.
#[cfg(not(feature = "compact"))]
pub(super) type Layout = crate::block::Full;
#[cfg(feature = "compact")]
pub(super) type Layout = crate::block::Compact<8>;

/// The process has one break, so there is one allocator over it.
pub(super) static GLOBAL: Global = Global {
    lock: Lock::new(),
    allocator: UnsafeCell::new(Allocator::with_policy(Linux::new(), Policy::EXACT)),
    walker: AtomicUsize::new(NOBODY),
    on_misuse: AtomicU8::new(OnMisuse::Ignore as u8), // the contract (R14)
};

pub(super) struct Global {
    lock: Lock,
    allocator: UnsafeCell<Allocator<Linux, Layout>>,
    /// The thread that shows the heap to a function of its own meanwhile. It holds the lock.
    walker: AtomicUsize,
    on_misuse: AtomicU8,
}

/// No thread's number.
const NOBODY: usize = 0;

// SAFETY: the allocator is only reached while the lock is held (`locked`, `show`).
unsafe impl Sync for Global {}

impl Global {
    /// Does `work` under the lock. `None`, and nothing is done, if this thread is in the middle of `show`.
    #[inline]
    pub(super) fn locked<R>(&self, work: impl FnOnce(&mut Allocator<Linux, Layout>) -> R) -> Option<R> {
        if self.is_shown_to_me() {
            return None;
        }
        self.lock.acquire();
        // SAFETY: the lock is held, and `work` cannot come here a second time: nothing below this module knows of it.
        let result = work(unsafe { &mut *self.allocator.get() });
        self.lock.release();
        Some(result)
    }

    /// Does `work`, which may call anything, under the lock. `None`, and nothing is done, if this thread is in the middle
    /// of it already.
    pub(super) fn show<R>(&self, work: impl FnOnce(&Allocator<Linux, Layout>) -> R) -> Option<R> {
        if self.is_shown_to_me() {
            return None;
        }
        self.lock.acquire();
        self.walker.store(this_thread(), Ordering::Relaxed);
        // SAFETY: the lock is held; whoever has it exclusively (`locked`) does not come in before this ends.
        let result = work(unsafe { &*self.allocator.get() });
        self.walker.store(NOBODY, Ordering::Relaxed);
        self.lock.release();
        Some(result)
    }

    /// Whether this thread is in the middle of `show`. Only the thread itself could have written its number, so what
    /// other threads do at the same time makes no difference.
    #[inline]
    fn is_shown_to_me(&self) -> bool {
        let walker = self.walker.load(Ordering::Relaxed);
        walker != NOBODY && walker == this_thread()
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

/// A number that no other thread has, and that a forked child keeps; never [`NOBODY`].
fn this_thread() -> usize {
    // SAFETY: only asks. Each thread has an errno of its own.
    unsafe { libc::__errno_location() }.addr()
}

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

/// Takes the lock, unless the thread that forks holds it: in the middle of a walk the heap is whole.
pub(crate) fn before_fork() {
    if !GLOBAL.is_shown_to_me() {
        GLOBAL.lock.acquire();
    }
}

/// Releases the lock, or the child's copy of it, if `before_fork` took it.
pub(crate) fn after_fork() {
    if !GLOBAL.is_shown_to_me() {
        GLOBAL.lock.release();
    }
}
