//! The four calls: each outermost one of a thread is announced before and after.

use core::ffi::c_void;

use crate::mark::Mark;
use crate::{begin, key, real, thread};

/// Passes a call on; announces it if it is the thread's outermost one.
fn pass<R: Copy>(announcement: impl FnOnce() -> Mark, call: impl FnOnce() -> R, done: impl FnOnce(R) -> Mark) -> R {
    if thread::is_inside() || key::get().is_none() {
        return call();
    }
    // A signal handler that allocates between these lines is inside, too: its marks cannot part ours.
    thread::set_inside(true);
    announcement().emit();
    let result = call();
    done(result).emit();
    thread::set_inside(false);
    result
}

/// The mark of a call that returned a pointer.
fn returned(pointer: *mut c_void) -> Mark {
    Mark::new("done").pointer(pointer)
}

/// Stands in for the allocator's `os_malloc`.
///
/// # Safety
/// As for the real function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn os_malloc(size: usize) -> *mut c_void {
    begin::ensure();
    let real = real::MALLOC.get();
    // SAFETY: the caller's promise, passed on as it is.
    pass(|| Mark::new("call").word("os_malloc").size(size), || unsafe { real(size) }, returned)
}

/// Stands in for the allocator's `os_calloc`.
///
/// # Safety
/// As for the real function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn os_calloc(nmemb: usize, size: usize) -> *mut c_void {
    begin::ensure();
    let real = real::CALLOC.get();
    let announcement = || Mark::new("call").word("os_calloc").size(nmemb).size(size);
    // SAFETY: the caller's promise, passed on as it is.
    pass(announcement, || unsafe { real(nmemb, size) }, returned)
}

/// Stands in for the allocator's `os_realloc`.
///
/// # Safety
/// As for the real function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn os_realloc(pointer: *mut c_void, size: usize) -> *mut c_void {
    begin::ensure();
    let real = real::REALLOC.get();
    let announcement = || Mark::new("call").word("os_realloc").pointer(pointer).size(size);
    // SAFETY: the caller's promise, passed on as it is.
    pass(announcement, || unsafe { real(pointer, size) }, returned)
}

/// Stands in for the allocator's `os_free`.
///
/// # Safety
/// As for the real function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn os_free(pointer: *mut c_void) {
    begin::ensure();
    let real = real::FREE.get();
    let announcement = || Mark::new("call").word("os_free").pointer(pointer);
    // SAFETY: the caller's promise, passed on as it is.
    pass(announcement, || unsafe { real(pointer) }, |()| Mark::new("done"));
}
