//! The lock of the C library's list of open streams, which `fork` needs after the allocator's locks.
//!
//! Three threads would wait for each other in a circle otherwise: one that forks holds the allocator's lock and wants the
//! list's; one in `fflush(NULL)` holds the list's and wants a stream's; one in `getline` holds that stream's and wants
//! memory. So the list's lock is acquired before the allocator's. Only glibc offers it; with another C library, a program
//! that forks beside such threads may hang.
#![cfg_attr(all(target_env = "gnu", not(miri)), expect(unsafe_code, reason = "functions of the C library"))]

#[cfg(all(target_env = "gnu", not(miri)))]
mod streams {
    use crate::sys::glibc::{is_single_threaded, list_lock, list_reset, list_unlock};
    use std::mem;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Locks of the list that forks under way have acquired. Changed only by the thread that holds it.
    static HELD: AtomicU32 = AtomicU32::new(0);

    /// Calls a function without arguments; `false` if it is missing.
    fn call(function: *const ()) -> bool {
        if function.is_null() {
            return false;
        }
        // SAFETY: the three functions of the list take and return nothing.
        let function: unsafe extern "C" fn() = unsafe { mem::transmute(function) };
        // SAFETY: the list's lock knows its owner, which may acquire it several times.
        unsafe { function() };
        true
    }

    /// Acquires the lock, unless there is one thread: that one may have been interrupted while it changed the list.
    pub(crate) fn before_fork() {
        if !is_single_threaded() && call(list_lock()) {
            HELD.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Releases the lock, if `before_fork` acquired it.
    pub(crate) fn after_fork_in_parent() {
        if HELD.load(Ordering::Relaxed) > 0 {
            HELD.fetch_sub(1, Ordering::Relaxed);
            call(list_unlock());
        }
    }

    /// Makes the child's copy of the lock free, as glibc does itself in a child of several threads.
    pub(crate) fn after_fork_in_child() {
        if HELD.swap(0, Ordering::Relaxed) > 0 {
            call(list_reset());
        }
    }
}

#[cfg(any(not(target_env = "gnu"), miri))]
mod streams {
    pub(crate) fn before_fork() {}
    pub(crate) fn after_fork_in_parent() {}
    pub(crate) fn after_fork_in_child() {}
}

pub(crate) use streams::{after_fork_in_child, after_fork_in_parent, before_fork};
