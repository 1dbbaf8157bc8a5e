//! The C face: the one global allocator, its lock, the four functions of `include/osmem.h`, and errno.
//!
//! An uncontended lock makes no system call. `fork` takes the lock before it copies the process and releases it in
//! parent and child, so that a child never inherits a heap in the middle of a change.
#![expect(unsafe_code, reason = "C functions, a global behind a lock of the C library")]

use crate::alloc::{Allocator, Answer, Failure};
use crate::sys::linux::Linux;
use libc::{c_int, c_void};
use std::cell::UnsafeCell;
use std::ptr;

/// Returns a block of `size` bytes, aligned to 8, contents undefined; null for zero (R1).
///
/// Null with errno `ENOMEM` if the size overflows (R2) or the system refuses (R15); else errno is kept.
#[unsafe(no_mangle)]
pub extern "C" fn os_malloc(size: usize) -> *mut c_void {
    answer(|allocator| allocator.malloc(size))
}

/// Returns a block of `nmemb` elements of `size` bytes each, all zero (R17); null if either is zero (R1).
///
/// Null with errno `ENOMEM` if the product overflows (R2) or the system refuses (R15); else errno is kept.
#[unsafe(no_mangle)]
pub extern "C" fn os_calloc(nmemb: usize, size: usize) -> *mut c_void {
    answer(|allocator| allocator.calloc(nmemb, size))
}

/// Resizes the block at `ptr` to `size` bytes and returns where it is now, with its first bytes kept (R11 to R13, R17).
///
/// Null `ptr` makes this [`os_malloc`], zero `size` makes it [`os_free`] and null (R10). Null with errno `EINVAL` if
/// `ptr` is no live block (R10), with `ENOMEM` by R2 and R15, and the old block untouched after either; else errno is
/// kept.
///
/// # Safety
///
/// The old pointer must not be used any more, by anybody, unless it is what is returned, or the call failed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn os_realloc(ptr: *mut c_void, size: usize) -> *mut c_void {
    answer(|allocator| allocator.realloc(ptr.cast(), size))
}

/// Frees the block at `ptr` (R8). Anything that is no live block is ignored (R14). errno is kept.
///
/// # Safety
///
/// The pointer must not be used any more, by anybody.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn os_free(ptr: *mut c_void) {
    answer(|allocator| {
        allocator.free(ptr.cast());
        Ok(ptr::null_mut())
    });
}

/// Runs one call under the lock. On success errno is what it was before, whatever the system calls made of it.
fn answer(call: impl FnOnce(&mut Allocator<Linux>) -> Answer) -> *mut c_void {
    let before = errno();
    let answer = GLOBAL.locked(call);
    let (payload, after) = match answer {
        Ok(payload) => (payload, before),
        Err(Failure::OutOfMemory) => (ptr::null_mut(), libc::ENOMEM),
        Err(Failure::NotABlock) => (ptr::null_mut(), libc::EINVAL),
    };
    set_errno(after);
    payload.cast()
}

fn errno() -> c_int {
    // SAFETY: the C library's own variable of this thread.
    unsafe { *libc::__errno_location() }
}

fn set_errno(value: c_int) {
    // SAFETY: as in `errno`.
    unsafe { *libc::__errno_location() = value }
}

/// The process has one break, so there is one allocator over it.
static GLOBAL: Global = Global {
    lock: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER),
    allocator: UnsafeCell::new(Allocator::new(Linux::new())),
};

struct Global {
    lock: UnsafeCell<libc::pthread_mutex_t>,
    allocator: UnsafeCell<Allocator<Linux>>,
}

// SAFETY: the allocator is only reached while the lock is held (`locked`), and the lock is made for threads.
unsafe impl Sync for Global {}

impl Global {
    fn locked<R>(&self, work: impl FnOnce(&mut Allocator<Linux>) -> R) -> R {
        self.acquire();
        // SAFETY: the lock is held, and `work` cannot come here a second time: nothing below this module knows of it.
        let result = work(unsafe { &mut *self.allocator.get() });
        self.release();
        result
    }

    fn acquire(&self) {
        // SAFETY: an initialised mutex that never moves. It fails only where it is used wrongly, which `locked` does
        // not.
        unsafe { libc::pthread_mutex_lock(self.lock.get()) };
    }

    fn release(&self) {
        // SAFETY: as in `acquire`; held by this thread, or by the one whose copy this thread is after a fork.
        unsafe { libc::pthread_mutex_unlock(self.lock.get()) };
    }
}

unsafe extern "C" fn before_fork() {
    GLOBAL.acquire();
}

unsafe extern "C" fn after_fork() {
    GLOBAL.release();
}

/// Run when the library is loaded, as a rule before `main`. Nobody can be inside a call yet, so no child is ever forked
/// without the handlers; and what memory the C library needs to remember them is not taken in the middle of a call.
extern "C" fn register_fork_handlers() {
    // SAFETY: the handlers are functions of this library, which forgets them when it is unloaded.
    unsafe { libc::pthread_atfork(Some(before_fork), Some(after_fork), Some(after_fork)) };
}

#[used]
#[unsafe(link_section = ".init_array")]
static REGISTER: extern "C" fn() = register_fork_handlers;
