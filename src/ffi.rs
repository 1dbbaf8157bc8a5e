//! The C face: the functions of `include/osmem.h`, and errno. The four of the contract and their like are here,
//! `look` has those that look at the whole heap, and `global` the one allocator behind them all.
//!
//! An uncontended lock makes no system call. `fork` takes the lock before it copies the process and releases it in
//! parent and child ([`start`](crate::start)), so that a child never inherits a heap in the middle of a change.
#![expect(unsafe_code, reason = "C functions")]

mod global;
mod look;

pub use look::{BlockSeen, Callback, os_heap_check, os_heap_walk, os_stats};

pub(crate) use global::{after_fork, before_fork, configure, stats};

use crate::alloc::{Allocator, Answer, Failure};
use crate::size::Request;
use crate::sys::errno;
use crate::sys::linux::Linux;
use global::{GLOBAL, Layout};
use libc::c_void;
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
    if size == 0 && !ptr.is_null() {
        release("os_realloc", ptr);
        return ptr::null_mut();
    }
    let mut misuse = None;
    let block = answer(|allocator| {
        let answer = allocator.realloc(ptr.cast(), size);
        if answer == Err(Failure::NotABlock) {
            misuse = GLOBAL.diagnose(allocator, ptr);
        }
        answer
    });
    GLOBAL.misused("os_realloc", ptr, misuse);
    block
}

/// Frees the block at `ptr` (R8). Anything that is no live block is ignored (R14). errno is kept.
///
/// # Safety
///
/// The pointer must not be used any more, by anybody.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn os_free(ptr: *mut c_void) {
    release("os_free", ptr);
}

/// Returns a block of `size` bytes at a multiple of `alignment`, contents undefined; null for zero (R1). It is resized
/// and freed like any other; a resized one that moves is aligned to 8.
///
/// Null with errno `EINVAL` if `alignment` is no power of two, with `ENOMEM` if both together are more than
/// `PTRDIFF_MAX` or the system refuses (R15); else errno is kept.
#[unsafe(no_mangle)]
pub extern "C" fn os_aligned_alloc(alignment: usize, size: usize) -> *mut c_void {
    if !alignment.is_power_of_two() {
        errno::set(libc::EINVAL);
        return ptr::null_mut();
    }
    answer(|allocator| match size.checked_add(alignment).and_then(Request::new) {
        _ if size == 0 => Ok(ptr::null_mut()),
        Some(_) => allocator.aligned(alignment, size),
        None => Err(Failure::OutOfMemory),
    })
}

/// Returns how many bytes the block at `ptr` has room for, at least as many as were asked for; 0 if `ptr` is no live
/// block. errno is kept.
#[unsafe(no_mangle)]
pub extern "C" fn os_malloc_usable_size(ptr: *const c_void) -> usize {
    GLOBAL.locked(|allocator| allocator.usable_size(ptr.cast_mut().cast())).unwrap_or(0)
}

/// Runs one call under the lock. On success errno is what it was before, whatever the system calls made of it.
fn answer(call: impl FnOnce(&mut Allocator<Linux, Layout>) -> Answer) -> *mut c_void {
    let before = errno::get();
    let (payload, after) = match GLOBAL.locked(call) {
        Some(Ok(payload)) => (payload, before),
        Some(Err(Failure::OutOfMemory)) => (ptr::null_mut(), libc::ENOMEM),
        Some(Err(Failure::NotABlock)) => (ptr::null_mut(), libc::EINVAL),
        None => (ptr::null_mut(), libc::EDEADLK),
    };
    errno::set(after);
    payload.cast()
}

/// Frees the block at `ptr`, if it is one.
fn release(call: &str, ptr: *mut c_void) {
    if ptr.is_null() {
        return;
    }
    errno::kept(|| {
        let misuse = GLOBAL.locked(
            |allocator| {
                if allocator.try_free(ptr.cast()) { None } else { GLOBAL.diagnose(allocator, ptr) }
            },
        );
        GLOBAL.misused(call, ptr, misuse.flatten());
    });
}
