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
use core::mem::{size_of, transmute_copy};
use core::ptr::{null, null_mut};
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicUsize, Ordering};

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("where a call returns to is not known for this architecture: add it to crates/callers/src/lib.rs");

/// Nothing here panics; the language asks for this function all the same.
#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// For `dlsym`: search behind the caller's own library.
const RTLD_NEXT: *mut c_void = core::ptr::without_provenance_mut(usize::MAX);
/// For `open`: write, append, close when another program is started.
const FLAGS: c_int = 0o1 | 0o2000 | 0o2_000_000;

/// Where an address lies, as `dladdr` tells it.
#[repr(C)]
struct Location {
    file: *const c_char,
    base: *mut c_void,
    symbol: *const c_char,
    symbol_address: *mut c_void,
}

#[link(name = "c")]
#[link(name = "dl")]
unsafe extern "C" {
    fn dladdr(address: *const c_void, location: *mut Location) -> c_int;
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn getenv(name: *const c_char) -> *const c_char;
    fn getpid() -> c_int;
    fn open(path: *const c_char, flags: c_int, ...) -> c_int;
    fn write(descriptor: c_int, bytes: *const c_void, length: usize) -> isize;
}

/// A C function of type `F`, found behind this library in the loader's search order.
struct Real<F> {
    name: &'static CStr,
    address: AtomicPtr<c_void>,
    function: core::marker::PhantomData<F>,
}

impl<F: Copy> Real<F> {
    const fn new(name: &'static CStr) -> Self {
        const { assert!(size_of::<F>() == size_of::<*mut c_void>(), "F is a function pointer") };
        Self { name, address: AtomicPtr::new(null_mut()), function: core::marker::PhantomData }
    }

    /// Returns the function; `None` if no library has it.
    fn get(&self) -> Option<F> {
        let mut address = self.address.load(Ordering::Relaxed);
        if address.is_null() {
            // SAFETY: the name is a C string.
            address = unsafe { dlsym(RTLD_NEXT, self.name.as_ptr()) };
            self.address.store(address, Ordering::Relaxed);
        }
        // SAFETY: `address` is a function of this name, and `F` is its type: each static below states it once.
        (!address.is_null()).then(|| unsafe { transmute_copy::<*mut c_void, F>(&address) })
    }
}

static MALLOC: Real<unsafe extern "C" fn(usize) -> *mut c_void> = Real::new(c"os_malloc");
static CALLOC: Real<unsafe extern "C" fn(usize, usize) -> *mut c_void> = Real::new(c"os_calloc");
static REALLOC: Real<unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void> = Real::new(c"os_realloc");
static FREE: Real<unsafe extern "C" fn(*mut c_void)> = Real::new(c"os_free");

/// Modules that get a number.
const MODULES: usize = 64;
/// Bytes of a path that are written.
const PATH: usize = 1024;

/// Whether a call is under way.
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
    let mut location = Location { file: null(), base: null_mut(), symbol: null(), symbol_address: null_mut() };
    let address = core::ptr::without_provenance::<c_void>(caller.wrapping_sub(1));
    // SAFETY: `location` is writable; the address is only looked up.
    let known = unsafe { dladdr(address, &raw mut location) } != 0;
    let base = location.base.addr();
    let module = if known { module(file, base, location.file) } else { MODULES };
    let offset = if known { caller.wrapping_sub(base) } else { 0 };
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

/// The body of a naked function of one argument: goes on in `$function`, with the place where it returns to as its second one.
macro_rules! with_caller_second {
    ($function:path) => {{
        #[cfg(target_arch = "x86_64")]
        core::arch::naked_asm!("mov rsi, qword ptr [rsp]", "jmp {}", sym $function);
        #[cfg(target_arch = "aarch64")]
        core::arch::naked_asm!("mov x1, x30", "b {}", sym $function)
    }};
}

/// The same for two arguments.
macro_rules! with_caller_third {
    ($function:path) => {{
        #[cfg(target_arch = "x86_64")]
        core::arch::naked_asm!("mov rdx, qword ptr [rsp]", "jmp {}", sym $function);
        #[cfg(target_arch = "aarch64")]
        core::arch::naked_asm!("mov x2, x30", "b {}", sym $function)
    }};
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
