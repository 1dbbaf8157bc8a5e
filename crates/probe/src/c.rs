//! What the probe calls of the C library, declared here: the crate that usually declares it brings the standard library.

use core::ffi::{c_char, c_int, c_uint, c_ulong, c_void};

/// For [`getauxval`]: the address at which the program starts.
pub const AT_ENTRY: c_ulong = 9;

/// For [`setvbuf`]: fully buffered.
pub const IOFBF: c_int = 0;

/// The type of `pthread_key_t`.
pub type Slot = c_uint;

#[link(name = "c")]
#[link(name = "pthread")]
unsafe extern "C" {
    /// The environment; null until the C library has started.
    pub static environ: *mut *mut c_char;
    /// The stream of standard output.
    pub static stdout: *mut c_void;

    /// Its answer is an unsigned long, which is as wide as an address on Linux.
    pub fn getauxval(kind: c_ulong) -> usize;
    pub fn pthread_getspecific(slot: Slot) -> *mut c_void;
    pub fn pthread_key_create(slot: *mut Slot, destructor: Option<unsafe extern "C" fn(*mut c_void)>) -> c_int;
    pub fn pthread_setspecific(slot: Slot, value: *const c_void) -> c_int;
    pub fn setvbuf(stream: *mut c_void, buffer: *mut c_char, mode: c_int, size: usize) -> c_int;
    pub fn write(descriptor: c_int, bytes: *const c_void, length: usize) -> isize;
}
