//! The four functions of the allocator. README.md says what they promise.
//!
//! Nothing here may use Box, Vec, String or println!: they ask the C library for memory, which moves the break as well.

use std::ffi::c_void;
use std::ptr;

pub mod block;
pub mod sys;

/// A block of `size` bytes; NULL for 0 bytes, or if there is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn os_malloc(_size: usize) -> *mut c_void {
    // TODO: find or make a block.
    ptr::null_mut()
}

/// A block of `nmemb` elements of `size` bytes, all zero; NULL for 0 bytes, or if there is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn os_calloc(_nmemb: usize, _size: usize) -> *mut c_void {
    // TODO: find or make a block, and fill it with zeros.
    ptr::null_mut()
}

/// The block at `ptr`, now `size` bytes long, perhaps in another place; what fits of its contents is kept.
///
/// # Safety
///
/// `ptr` is NULL or what one of these functions returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn os_realloc(_ptr: *mut c_void, _size: usize) -> *mut c_void {
    // TODO: resize the block in its place, or move it.
    ptr::null_mut()
}

/// Gives the block at `ptr` back.
///
/// # Safety
///
/// `ptr` is NULL or what one of these functions returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn os_free(_ptr: *mut c_void) {
    // TODO: mark the block as free, or give its mapping back.
}
