//! The four calls: each outermost one of a thread is announced before and after.

use core::ffi::c_void;

use osmem_ring::{Note, Ring, kind};

use crate::mark::Mark;
use crate::{begin, key, real, thread};

/// What is announced without a system call, where the tracer reads it.
pub static RING: Ring = Ring::new();

/// Passes a call on; announces it if it is the thread's outermost one.
fn pass<R: Copy>(announcement: Note, call: impl FnOnce() -> R, done: impl FnOnce(R) -> Note) -> R {
    let Some(key) = key::get().filter(|_| !thread::is_inside()) else { return call() };
    // A signal handler that allocates between these lines is inside, too: its marks cannot part ours.
    thread::set_inside(true);
    announce(key, announcement);
    let result = call();
    announce(key, done(result));
    thread::set_inside(false);
    result
}

/// Tells the tracer, by a note if it reads notes, otherwise by a mark.
fn announce(key: u64, note: Note) {
    if !RING.is_read() {
        mark(note).emit();
    } else if RING.leave(key, note) {
        Mark::new("full").emit();
    }
}

/// The mark that says the same as a note.
fn mark(Note { kind, first, second }: Note) -> Mark {
    match kind {
        kind::MALLOC => Mark::new("call").word("os_malloc").size(first),
        kind::CALLOC => Mark::new("call").word("os_calloc").size(first).size(second),
        kind::REALLOC => Mark::new("call").word("os_realloc").pointer(first).size(second),
        kind::FREE => Mark::new("call").word("os_free").pointer(first),
        kind::RETURNED => Mark::new("done").pointer(first),
        _ => Mark::new("done"),
    }
}

fn note(kind: u64, first: usize, second: usize) -> Note {
    Note { kind, first: first as u64, second: second as u64 }
}

/// What is said of a call that returned a pointer.
fn returned(pointer: *mut c_void) -> Note {
    note(kind::RETURNED, pointer.addr(), 0)
}

/// Stands in for the allocator's `os_malloc`.
///
/// # Safety
/// As for the real function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn os_malloc(size: usize) -> *mut c_void {
    begin::ensure();
    let real = real::get(&real::MALLOC);
    // SAFETY: the caller's promise, passed on as it is.
    pass(note(kind::MALLOC, size, 0), || unsafe { real(size) }, returned)
}

/// Stands in for the allocator's `os_calloc`.
///
/// # Safety
/// As for the real function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn os_calloc(nmemb: usize, size: usize) -> *mut c_void {
    begin::ensure();
    let real = real::get(&real::CALLOC);
    let announcement = note(kind::CALLOC, nmemb, size);
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
    let real = real::get(&real::REALLOC);
    let announcement = note(kind::REALLOC, pointer.addr(), size);
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
    let real = real::get(&real::FREE);
    let announcement = note(kind::FREE, pointer.addr(), 0);
    // SAFETY: the caller's promise, passed on as it is.
    pass(announcement, || unsafe { real(pointer) }, |()| note(kind::DONE, 0, 0));
}
