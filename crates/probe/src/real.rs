//! The functions that the probe stands in for, found behind it in the loader's search order.

use core::ffi::{CStr, c_char, c_int, c_void};

pub use osmem_interpose::{CALLOC, FREE, MALLOC, REALLOC, Real};

use crate::mark::Mark;
use crate::{arch, c};

/// The program's main function.
pub type Main = unsafe extern "C" fn(c_int, *mut *mut c_char, *mut *mut c_char) -> c_int;

/// `exit`, `_exit`, `_Exit`, `quick_exit`.
pub type Leave = unsafe extern "C" fn(c_int) -> !;

/// `__libc_start_main`: runs main and exits with its result. musl has no seventh argument and ignores it.
pub type Start =
    unsafe extern "C" fn(Main, c_int, *mut *mut c_char, *mut c_void, *mut c_void, *mut c_void, *mut c_void) -> c_int;

pub static START: Real<Start> = Real::new(c"__libc_start_main");
pub static EXIT: Real<Leave> = Real::new(c"exit");
pub static UNDERSCORE_EXIT: Real<Leave> = Real::new(c"_exit");
pub static CAPITAL_EXIT: Real<Leave> = Real::new(c"_Exit");
pub static QUICK_EXIT: Real<Leave> = Real::new(c"quick_exit");

/// Looks all of them up: the loader allocates when it finds nothing, which must not happen inside the window.
pub fn find_all() {
    MALLOC.find();
    CALLOC.find();
    REALLOC.find();
    FREE.find();
    START.find();
    EXIT.find();
    UNDERSCORE_EXIT.find();
    CAPITAL_EXIT.find();
    QUICK_EXIT.find();
}

/// Returns a function; without it the process ends, since there is nothing to pass the call on to.
pub fn get<F: Copy>(real: &Real<F>) -> F {
    real.get().unwrap_or_else(|| missing(real.name))
}

fn missing(name: &CStr) -> ! {
    let name = name.to_str().unwrap_or("?");
    Mark::new("missing").word(name).emit();
    for part in ["osmem-probe: the allocator has no function ", name, "\n"] {
        // SAFETY: `part` is readable for its length.
        unsafe { c::write(2, part.as_ptr().cast(), part.len()) };
    }
    arch::end_process(127)
}
