//! The C library's error number of this thread.
#![expect(unsafe_code, reason = "a variable of the C library")]

use libc::c_int;

/// What it is now.
#[inline]
#[must_use]
pub fn get() -> c_int {
    // SAFETY: the C library's own variable of this thread.
    unsafe { *libc::__errno_location() }
}

/// Changes it.
#[inline]
pub fn set(value: c_int) {
    // SAFETY: as in `get`.
    unsafe { *libc::__errno_location() = value }
}

/// Does `work`, which may make system calls, and keeps the number.
#[inline]
pub fn kept<R>(work: impl FnOnce() -> R) -> R {
    let before = get();
    let result = work();
    set(before);
    result
}
