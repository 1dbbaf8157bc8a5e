//! The functions that hand out, resize and take back blocks.
#![expect(unsafe_code, reason = "functions of the C library under their own names")]

use crate::answer::{answer, failed};
use core::ptr;
use libc::{c_int, c_void};
use osmem::process;

/// No object may be larger: differences of pointers into it would overflow.
const LARGEST: usize = isize::MAX.unsigned_abs();

/// A block of `size` bytes.
#[unsafe(no_mangle)]
extern "C" fn malloc(size: usize) -> *mut c_void {
    answer(process::allocate(size))
}

/// A block of `count` elements of `size` bytes, all zero.
#[unsafe(no_mangle)]
extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    match array(count, size) {
        Some(bytes) => answer(process::allocate_zeroed(bytes)),
        None => failed(libc::ENOMEM),
    }
}

/// Takes the block at `pointer` back; null is ignored, errno is kept.
///
/// # Safety
///
/// Nobody uses the block any more.
#[unsafe(no_mangle)]
unsafe extern "C" fn free(pointer: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { process::free(pointer.cast()) };
}

/// `free` for a caller that knows the size.
///
/// # Safety
///
/// As for [`free`].
#[unsafe(no_mangle)]
unsafe extern "C" fn free_sized(pointer: *mut c_void, _size: usize) {
    // SAFETY: the caller's promise.
    unsafe { free(pointer) };
}

/// `free` for a caller that knows size and alignment.
///
/// # Safety
///
/// As for [`free`].
#[unsafe(no_mangle)]
unsafe extern "C" fn free_aligned_sized(pointer: *mut c_void, _alignment: usize, _size: usize) {
    // SAFETY: the caller's promise.
    unsafe { free(pointer) };
}

/// The block at `pointer` resized, moved if it must be; the old block is as it was if that fails. Null is `malloc`, size
/// zero is `free` and null.
///
/// # Safety
///
/// Nobody uses the block under its old address any more, unless the call fails.
#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(pointer: *mut c_void, size: usize) -> *mut c_void {
    if pointer.is_null() {
        return malloc(size);
    }
    if size == 0 {
        // SAFETY: the caller's promise.
        unsafe { free(pointer) };
        return ptr::null_mut();
    }
    // SAFETY: the caller's promise.
    let block = unsafe { process::reallocate(pointer.cast(), size) };
    if block.is_null() && process::usable_size(pointer.cast()) == 0 {
        return failed(libc::EINVAL); // misuse that is not to end the process
    }
    answer(block)
}

/// `realloc` to `count` elements of `size` bytes; an overflow is a failure.
///
/// # Safety
///
/// As for [`realloc`].
#[unsafe(no_mangle)]
unsafe extern "C" fn reallocarray(pointer: *mut c_void, count: usize, size: usize) -> *mut c_void {
    match array(count, size) {
        // SAFETY: the caller's promise.
        Some(bytes) => unsafe { realloc(pointer, bytes) },
        None => failed(libc::ENOMEM),
    }
}

/// A block of `size` bytes at a multiple of `alignment`, which is a power of two.
#[unsafe(no_mangle)]
extern "C" fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void {
    if !alignment.is_power_of_two() {
        return failed(libc::EINVAL);
    }
    aligned(alignment, size)
}

/// A block of `size` bytes at a multiple of `alignment`, rounded up to a power of two.
#[unsafe(no_mangle)]
extern "C" fn memalign(alignment: usize, size: usize) -> *mut c_void {
    match alignment.checked_next_power_of_two() {
        Some(alignment) => aligned(alignment, size),
        None => failed(libc::EINVAL),
    }
}

/// Puts at `place` a block of `size` bytes at a multiple of `alignment`, which is a power of two and a multiple of a
/// pointer's size. Returns 0 or the error, which errno says too if memory is lacking, as with glibc. An error leaves what
/// is at `place`.
///
/// # Safety
///
/// `place` is valid for writing a pointer.
#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(place: *mut *mut c_void, alignment: usize, size: usize) -> c_int {
    if !alignment.is_power_of_two() || alignment < size_of::<*mut c_void>() {
        return libc::EINVAL;
    }
    let block = aligned(alignment, size);
    if block.is_null() {
        return libc::ENOMEM;
    }
    // SAFETY: the caller's promise.
    unsafe { *place = block };
    0
}

/// A block of `size` bytes at the start of a page.
#[unsafe(no_mangle)]
extern "C" fn valloc(size: usize) -> *mut c_void {
    aligned(process::page_size(), size)
}

/// A block of whole pages, `size` bytes or more.
#[unsafe(no_mangle)]
extern "C" fn pvalloc(size: usize) -> *mut c_void {
    let page = process::page_size();
    match size.checked_next_multiple_of(page) {
        Some(size) => aligned(page, size),
        None => failed(libc::ENOMEM),
    }
}

/// How many bytes the block at `pointer` has room for; 0 for null.
///
/// # Safety
///
/// `pointer` is null or a block that nobody frees meanwhile.
#[unsafe(no_mangle)]
unsafe extern "C" fn malloc_usable_size(pointer: *mut c_void) -> usize {
    process::usable_size(pointer.cast())
}

/// A block of `size` bytes at a multiple of the power of two `alignment`.
fn aligned(alignment: usize, size: usize) -> *mut c_void {
    match size.checked_add(alignment) {
        Some(bytes) if bytes <= LARGEST => answer(process::allocate_aligned(alignment, size)),
        _ => failed(libc::ENOMEM),
    }
}

/// The bytes of `count` elements of `size` bytes, if there can be such an object.
fn array(count: usize, size: usize) -> Option<usize> {
    count.checked_mul(size).filter(|bytes| *bytes <= LARGEST)
}
