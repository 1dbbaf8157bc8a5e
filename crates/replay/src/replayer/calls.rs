//! The four functions under test.

#![expect(unsafe_code, reason = "calls the library under test")]

use core::ffi::c_void;
use core::ptr;

unsafe extern "C" {
    fn os_malloc(size: usize) -> *mut c_void;
    fn os_calloc(nmemb: usize, size: usize) -> *mut c_void;
    fn os_realloc(pointer: *mut c_void, size: usize) -> *mut c_void;
    fn os_free(pointer: *mut c_void);
}

/// A call with its arguments; pointers are plain addresses.
#[derive(Clone, Copy)]
pub enum Call {
    Malloc(usize),
    Calloc(usize, usize),
    Realloc(usize, usize),
    Free(usize),
}

impl Call {
    /// Makes the call; NULL and no result are 0.
    pub fn make(self) -> usize {
        let pointer = |address: usize| ptr::with_exposed_provenance_mut::<c_void>(address);
        // SAFETY: takes any sizes. A pointer is a live block that is given up here, or one that R10 and R14 promise to
        // recognise without harm; a library that fails at them breaks this process, which is there for that.
        let result = unsafe {
            match self {
                Call::Malloc(size) => os_malloc(size),
                Call::Calloc(nmemb, size) => os_calloc(nmemb, size),
                Call::Realloc(address, size) => os_realloc(pointer(address), size),
                Call::Free(address) => {
                    os_free(pointer(address));
                    ptr::null_mut()
                }
            }
        };
        result.expose_provenance()
    }
}
