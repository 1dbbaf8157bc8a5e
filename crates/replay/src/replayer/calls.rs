//! The four functions under test, and those of the C library that they are measured beside.

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

/// Functions that calls are made of.
#[derive(Clone, Copy)]
pub enum Heap {
    /// Those under test.
    Os,
    /// The C library's.
    C,
}

impl Heap {
    /// Returns the heap of this name.
    pub fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"os" => Some(Self::Os),
            b"c" => Some(Self::C),
            _ => None,
        }
    }
}

impl Call {
    /// Makes the call of a valid program in one of the heaps, with nothing around it.
    #[inline]
    pub fn make_in(self, heap: Heap) -> usize {
        match heap {
            Heap::Os => self.make(),
            Heap::C => self.make_in_c(),
        }
    }

    fn make_in_c(self) -> usize {
        let pointer = |address: usize| ptr::with_exposed_provenance_mut::<c_void>(address);
        // SAFETY: a pointer is NULL, or a live block of the C library's that is given up here.
        let result = unsafe {
            match self {
                Call::Malloc(size) => libc::malloc(size),
                Call::Calloc(nmemb, size) => libc::calloc(nmemb, size),
                Call::Realloc(address, size) => libc::realloc(pointer(address), size),
                Call::Free(address) => {
                    libc::free(pointer(address));
                    ptr::null_mut()
                }
            }
        };
        result.expose_provenance()
    }

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
