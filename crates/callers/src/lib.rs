//! `libosmem_callers.so`: writes down where in a program each `os_*` call is made.
//!
//! Loaded in front of an allocator (`LD_PRELOAD`), it stands in for the four functions and passes every call on. Before it does, it
//! appends a record of four words to the file that `OSMEM_CALLERS` names:
//!
//! ```text
//! KIND SIZE MODULE OFFSET   a call: 1 os_malloc, 2 os_calloc, 3 os_realloc, 4 os_free; where it returns to: bytes above the beginning
//!                           of a module in memory
//! 0 MODULE LENGTH 0         a module, before its first call; the LENGTH bytes of its path follow
//! ```
//!
//! Only the outermost calls of the process that began are written down. The library allocates nothing and formats nothing; without
//! the variable it only passes calls on. No tracer reads it, and no verdict rests on it: a program can spoil the file.
// The standard library allocates; without it, that cannot happen by mistake.
#![cfg_attr(not(test), no_std)]
#![expect(unsafe_code, reason = "stands in for C functions, and calls functions found by name")]

use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::size_of;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};

use osmem_interpose::{CALLOC, FREE, Location, MALLOC, REALLOC, with_caller_second, with_caller_third};

/// Nothing here panics; the language asks for this function all the same.
#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// For `open`: write, append, close when another program is started.
const FLAGS: c_int = 0o1 | 0o2000 | 0o2_000_000;

#[link(name = "c")]
unsafe extern "C" {
    fn getenv(name: *const c_char) -> *const c_char;
    fn getpid() -> c_int;
    fn open(path: *const c_char, flags: c_int, ...) -> c_int;
    fn write(descriptor: c_int, bytes: *const c_void, length: usize) -> isize;
}

/// Modules that get a number.
const MODULES: usize = 64;
/// Bytes of a path that are written.
const PATH: usize = 1024;

/// Set while a call is under way.
static INSIDE: AtomicBool = AtomicBool::new(false);
/// The file, plus one; 0: not yet opened, -1: there is none.
static FILE: AtomicI32 = AtomicI32::new(0);
/// The process that opened it.
static OWNER: AtomicI32 = AtomicI32::new(0);
/// Where the modules begin in memory, by their numbers.
static BASES: [AtomicUsize; MODULES] = [const { AtomicUsize::new(0) }; MODULES];

/// Passes a call on; writes it down if it is the outermost one.
fn pass<R>(kind: u64, size: usize, caller: usize, call: impl FnOnce() -> R) -> R {
    if INSIDE.swap(true, Ordering::Acquire) {
        return call();
    }
    if let Some(file) = file() {
        note(file, kind, size, caller);
    }
    let result = call();
    INSIDE.store(false, Ordering::Release);
    result
}

/// Returns the file for the records of this process.
fn file() -> Option<c_int> {
    if FILE.load(Ordering::Relaxed) == 0 {
        // SAFETY: the name is a C string, and the environment is that of the process.
        let path = unsafe { getenv(c"OSMEM_CALLERS".as_ptr()) };
        // SAFETY: the path is a C string.
        let file = if path.is_null() { -1 } else { unsafe { open(path, FLAGS) } };
        FILE.store(if file < 0 { -1 } else { file + 1 }, Ordering::Relaxed);
        // SAFETY: takes nothing.
        OWNER.store(unsafe { getpid() }, Ordering::Relaxed);
    }
    let file = FILE.load(Ordering::Relaxed);
    // SAFETY: takes nothing.
    (file > 0 && OWNER.load(Ordering::Relaxed) == unsafe { getpid() }).then_some(file - 1)
}

fn note(file: c_int, kind: u64, size: usize, caller: usize) {
    let (module, offset) = match Location::of(caller.wrapping_sub(1)) {
        Some(Location { base, file: path, .. }) => (module(file, base.addr(), path), caller.wrapping_sub(base.addr())),
        None => (MODULES, 0),
    };
    record(file, [kind, size as u64, module as u64, offset as u64]);
}

/// Returns the number of the module that begins at `base`; a new one is written down.
fn module(file: c_int, base: usize, path: *const c_char) -> usize {
    for (number, place) in BASES.iter().enumerate() {
        let there = place.load(Ordering::Relaxed);
        if there == base {
            return number;
        }
        if there == 0 {
            place.store(base, Ordering::Relaxed);
            // SAFETY: the loader's own C string.
            let bytes = if path.is_null() { &[][..] } else { unsafe { CStr::from_ptr(path) }.to_bytes() };
            let length = bytes.len().min(PATH);
            record(file, [0, number as u64, length as u64, 0]);
            // SAFETY: the bytes are readable for their length.
            unsafe { write(file, bytes.as_ptr().cast(), length) };
            return number;
        }
    }
    MODULES
}

fn record(file: c_int, words: [u64; 4]) {
    // SAFETY: the words are readable.
    unsafe { write(file, words.as_ptr().cast(), size_of::<[u64; 4]>()) };
}

/// Stands in for the allocator's `os_malloc`.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub extern "C" fn os_malloc(size: usize) -> *mut c_void {
    with_caller_second!(malloc)
}

/// Stands in for the allocator's `os_calloc`.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub extern "C" fn os_calloc(nmemb: usize, size: usize) -> *mut c_void {
    with_caller_third!(calloc)
}

/// Stands in for the allocator's `os_realloc`.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub extern "C" fn os_realloc(pointer: *mut c_void, size: usize) -> *mut c_void {
    with_caller_third!(realloc)
}

/// Stands in for the allocator's `os_free`.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub extern "C" fn os_free(pointer: *mut c_void) {
    with_caller_second!(free)
}

extern "C" fn malloc(size: usize, caller: usize) -> *mut c_void {
    let Some(real) = MALLOC.get() else { return null_mut() };
    // SAFETY: the program's call, passed on as it is.
    pass(1, size, caller, || unsafe { real(size) })
}

extern "C" fn calloc(nmemb: usize, size: usize, caller: usize) -> *mut c_void {
    let Some(real) = CALLOC.get() else { return null_mut() };
    // SAFETY: as above.
    pass(2, nmemb.saturating_mul(size), caller, || unsafe { real(nmemb, size) })
}

extern "C" fn realloc(pointer: *mut c_void, size: usize, caller: usize) -> *mut c_void {
    let Some(real) = REALLOC.get() else { return null_mut() };
    // SAFETY: as above.
    pass(3, size, caller, || unsafe { real(pointer, size) })
}

extern "C" fn free(pointer: *mut c_void, caller: usize) {
    let Some(real) = FREE.get() else { return };
    // SAFETY: as above.
    pass(4, 0, caller, || unsafe { real(pointer) });
}
