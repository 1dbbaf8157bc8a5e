//! The start of the window: before any other code of the process where the loader allows it.

use core::cell::UnsafeCell;
use core::ffi::{c_char, c_int};
use core::sync::atomic::{AtomicBool, Ordering};

use crate::mark::Mark;
use crate::{c, calls, key, real, thread};

static BEGUN: AtomicBool = AtomicBool::new(false);

/// glibc hands each constructor the arguments of main. musl does not, but runs constructors inside
/// `__libc_start_main`, which the probe stands in for.
#[cfg(target_env = "gnu")]
#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: unsafe extern "C" fn(c_int, *mut *mut c_char, *mut *mut c_char) = constructor;

#[cfg(target_env = "gnu")]
unsafe extern "C" fn constructor(_argc: c_int, _argv: *mut *mut c_char, environment: *mut *mut c_char) {
    // SAFETY: the loader passes the process's own environment, and no thread has been started yet.
    unsafe { begin(environment) };
}

/// Opens the window, once: finds the real functions, takes the key and makes the first mark.
///
/// # Safety
/// As for [`key::take`]; or `environment` is null, which does nothing.
pub unsafe fn begin(environment: *mut *mut c_char) {
    if environment.is_null() || BEGUN.swap(true, Ordering::Relaxed) {
        return;
    }
    real::find_all();
    thread::prepare();
    give_buffer();
    // SAFETY: the caller's promise.
    unsafe { key::take(environment) };
    Mark::new("begin").size(2).pointer((&raw const calls::RING).addr() as u64).emit();
}

/// As many bytes as the C library takes for a pipe.
const BUFFER: usize = 4096;

/// Memory that the C library alone writes to.
struct Buffer(UnsafeCell<[u8; BUFFER]>);

// SAFETY: nobody here reads or writes it, and the C library locks the stream that it belongs to.
unsafe impl Sync for Buffer {}

static OUTPUT: Buffer = Buffer(UnsafeCell::new([0; BUFFER]));

/// Gives standard output a buffer. Without one, the first `printf` makes the C library allocate it, which moves the break: inside an
/// `os_*` call, where somebody looks for a mistake by printing, the heap would lie elsewhere.
fn give_buffer() {
    // SAFETY: nobody has printed yet, and the buffer lives as long as the process.
    unsafe { c::setvbuf(c::stdout, OUTPUT.0.get().cast(), c::IOFBF, BUFFER) };
}

/// Opens the window if a call comes before the constructor: older C libraries put a library of their own before it.
pub fn ensure() {
    if !BEGUN.load(Ordering::Relaxed) {
        // SAFETY: `environ` is the process's own environment or null; before constructors have run there is one thread.
        unsafe { begin(c::environ) };
    }
}
