//! The parts that preloaded libraries share: functions found behind them in the loader's search order, and the return address of a caller.
//!
//! Nothing here asks for memory or needs the standard library.
#![no_std]
#![expect(unsafe_code, reason = "calls functions found by name")]

use core::ffi::{CStr, c_char, c_int, c_void};
use core::marker::PhantomData;
use core::mem::{MaybeUninit, size_of, transmute_copy};
use core::ptr::{null_mut, without_provenance, without_provenance_mut};
use core::sync::atomic::{AtomicPtr, Ordering};

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!(
    "the return address of a caller is not known for this architecture: add it to crates/interpose/src/lib.rs"
);

/// For `dlsym`: search behind the caller's own library.
const RTLD_NEXT: *mut c_void = without_provenance_mut(usize::MAX);

/// Place of an address, as `dladdr` tells it: the loaded file, and the symbol in front of it.
#[repr(C)]
pub struct Location {
    /// Path of the file.
    pub file: *const c_char,
    /// Beginning of the file in memory.
    pub base: *mut c_void,
    /// Name of the symbol; null if there is none.
    pub symbol: *const c_char,
    /// Address of the symbol.
    pub symbol_address: *mut c_void,
}

#[link(name = "c")]
#[link(name = "dl")]
unsafe extern "C" {
    fn dladdr(address: *const c_void, location: *mut Location) -> c_int;
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}

impl Location {
    /// Returns the place of an address; `None` outside all loaded files.
    pub fn of(address: usize) -> Option<Self> {
        let mut location = MaybeUninit::<Self>::uninit();
        // SAFETY: any address may be asked for; `location` is writable, and filled if the answer is not 0.
        unsafe {
            match dladdr(without_provenance(address), location.as_mut_ptr()) {
                0 => None,
                _ => Some(location.assume_init()),
            }
        }
    }
}

/// The allocator's `os_malloc`.
pub static MALLOC: Real<unsafe extern "C" fn(usize) -> *mut c_void> = Real::new(c"os_malloc");
/// The allocator's `os_calloc`.
pub static CALLOC: Real<unsafe extern "C" fn(usize, usize) -> *mut c_void> = Real::new(c"os_calloc");
/// The allocator's `os_realloc`.
pub static REALLOC: Real<unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void> = Real::new(c"os_realloc");
/// The allocator's `os_free`.
pub static FREE: Real<unsafe extern "C" fn(*mut c_void)> = Real::new(c"os_free");

/// A C function of type `F`, known by name. Each static states its type once.
pub struct Real<F> {
    /// The name of the function.
    pub name: &'static CStr,
    address: AtomicPtr<c_void>,
    function: PhantomData<F>,
}

impl<F: Copy> Real<F> {
    /// Names a function. `F` is the type of that function.
    pub const fn new(name: &'static CStr) -> Self {
        const { assert!(size_of::<F>() == size_of::<*mut c_void>(), "F is a function pointer") };
        Self { name, address: AtomicPtr::new(null_mut()), function: PhantomData }
    }

    /// Returns the function, looked up at the first time; `None` if no library has it.
    #[inline]
    pub fn get(&self) -> Option<F> {
        let mut address = self.address.load(Ordering::Relaxed);
        if address.is_null() {
            address = self.find();
        }
        // SAFETY: `address` is a function of this name, and `F` is its type.
        (!address.is_null()).then(|| unsafe { transmute_copy::<*mut c_void, F>(&address) })
    }

    /// Looks the function up; null if no library has it.
    pub fn find(&self) -> *mut c_void {
        // SAFETY: the name is a C string.
        let address = unsafe { dlsym(RTLD_NEXT, self.name.as_ptr()) };
        self.address.store(address, Ordering::Relaxed);
        address
    }
}

/// The body of a naked function of one argument: goes on in a function that gets the caller's return address as its second one.
#[macro_export]
macro_rules! with_caller_second {
    ($function:path) => {{
        #[cfg(target_arch = "x86_64")]
        core::arch::naked_asm!("mov rsi, qword ptr [rsp]", "jmp {}", sym $function);
        #[cfg(target_arch = "aarch64")]
        core::arch::naked_asm!("mov x1, x30", "b {}", sym $function)
    }};
}

/// The body of a naked function of two arguments: goes on in a function that gets the caller's return address as its third one.
#[macro_export]
macro_rules! with_caller_third {
    ($function:path) => {{
        #[cfg(target_arch = "x86_64")]
        core::arch::naked_asm!("mov rdx, qword ptr [rsp]", "jmp {}", sym $function);
        #[cfg(target_arch = "aarch64")]
        core::arch::naked_asm!("mov x2, x30", "b {}", sym $function)
    }};
}
