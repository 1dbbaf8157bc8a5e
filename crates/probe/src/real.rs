//! The functions that the probe stands in for, found behind it in the loader's search order.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::marker::PhantomData;
use core::mem::{size_of, transmute_copy};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::mark::Mark;
use crate::{arch, c};

/// The program's main function.
pub type Main = unsafe extern "C" fn(c_int, *mut *mut c_char, *mut *mut c_char) -> c_int;

/// `exit`, `_exit`, `_Exit`, `quick_exit`.
pub type Leave = unsafe extern "C" fn(c_int) -> !;

/// `__libc_start_main`: runs main and exits with its result. musl has no seventh argument and ignores it.
pub type Start =
    unsafe extern "C" fn(Main, c_int, *mut *mut c_char, *mut c_void, *mut c_void, *mut c_void, *mut c_void) -> c_int;

pub static MALLOC: Real<unsafe extern "C" fn(usize) -> *mut c_void> = Real::new(c"os_malloc");
pub static CALLOC: Real<unsafe extern "C" fn(usize, usize) -> *mut c_void> = Real::new(c"os_calloc");
pub static REALLOC: Real<unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void> = Real::new(c"os_realloc");
pub static FREE: Real<unsafe extern "C" fn(*mut c_void)> = Real::new(c"os_free");
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

/// A C function of type `F`, known by name.
pub struct Real<F> {
    name: &'static CStr,
    address: AtomicPtr<c_void>,
    function: PhantomData<F>,
}

impl<F: Copy> Real<F> {
    const fn new(name: &'static CStr) -> Self {
        const { assert!(size_of::<F>() == size_of::<*mut c_void>(), "F is a function pointer") };
        Real { name, address: AtomicPtr::new(null_mut()), function: PhantomData }
    }

    /// The function; without it the process ends, since there is nothing to pass the call on to.
    pub fn get(&self) -> F {
        let mut address = self.address.load(Ordering::Relaxed);
        if address.is_null() {
            address = self.find();
        }
        if address.is_null() {
            self.missing();
        }
        // SAFETY: `address` is a function of this name, and `F` is its type: each static above states it once.
        unsafe { transmute_copy::<*mut c_void, F>(&address) }
    }

    fn find(&self) -> *mut c_void {
        // SAFETY: the name is a C string.
        let address = unsafe { c::dlsym(c::RTLD_NEXT, self.name.as_ptr()) };
        self.address.store(address, Ordering::Relaxed);
        address
    }

    fn missing(&self) -> ! {
        let name = self.name.to_str().unwrap_or("?");
        Mark::new("missing").word(name).emit();
        for part in ["osmem-probe: the allocator has no function ", name, "\n"] {
            // SAFETY: `part` is readable for its length.
            unsafe { c::write(2, part.as_ptr().cast(), part.len()) };
        }
        arch::end_process(127)
    }
}
