//! Answers in errno, which says why a call failed. What succeeds leaves it alone, and so does the process heap.

use core::ptr;
use libc::{c_int, c_void};
use osmem::sys::errno;

/// `block` as an answer: null is a failure for want of memory.
#[inline]
pub fn answer(block: *mut u8) -> *mut c_void {
    if block.is_null() { failed(libc::ENOMEM) } else { block.cast() }
}

/// Sets errno and is null: the answer of a call that fails.
#[cold]
pub fn failed(number: c_int) -> *mut c_void {
    errno::set(number);
    ptr::null_mut()
}
