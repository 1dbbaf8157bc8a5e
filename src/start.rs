//! What happens when the program, or the library, is loaded and when the process ends: the settings of the environment
//! are made to hold for both heaps of the process, and forks are prepared for. Calls may come before and after either.
//!
//! Linked into everything that this package is linked into; nobody calls it by name. (The linker takes from a static
//! library only what is called by name, or lies in one object file with that; so the package is compiled as one:
//! `codegen-units` in `Cargo.toml`.) Under Miri, which has no loader, nothing happens.
#![expect(unsafe_code, reason = "the environment as the C library hands it over, fork handlers, constructors")]

use crate::alloc::Stats;
use crate::settings::Settings;
use crate::sys::stdio;
use crate::{ffi, line, process, report};
use libc::c_char;
use std::ffi::CStr;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};

static HAS_BEGUN: AtomicBool = AtomicBool::new(false);
static PRINT_AT_EXIT: AtomicBool = AtomicBool::new(false);

/// glibc hands each constructor the arguments of main, and may run this one before it has set `environ`.
#[cfg(target_env = "gnu")]
mod constructor {
    use libc::{c_char, c_int};

    #[used]
    #[cfg_attr(not(miri), unsafe(link_section = ".init_array"))]
    static CONSTRUCTOR: unsafe extern "C" fn(c_int, *const *const c_char, *const *const c_char) = constructor;

    unsafe extern "C" fn constructor(_argc: c_int, _argv: *const *const c_char, environment: *const *const c_char) {
        // SAFETY: the loader passes the process's own environment, and nobody changes it meanwhile.
        unsafe { super::begin(environment) };
    }
}

/// Others, like musl, hand constructors nothing, but have set `environ` before they run them.
#[cfg(not(target_env = "gnu"))]
mod constructor {
    use libc::c_char;

    #[used]
    #[cfg_attr(not(miri), unsafe(link_section = ".init_array"))]
    static CONSTRUCTOR: extern "C" fn() = constructor;

    extern "C" fn constructor() {
        unsafe extern "C" {
            static environ: *const *const c_char;
        }
        // SAFETY: the process's own environment, which nobody changes meanwhile.
        unsafe { super::begin(environ) };
    }
}

/// Runs as a rule before `main`. Nobody can be inside a call yet, so no child is ever forked without the handlers; and
/// what memory the C library needs to remember them is not taken in the middle of a call.
///
/// # Safety
///
/// `environment` is null, or a null-terminated array of strings that nobody changes meanwhile.
unsafe fn begin(environment: *const *const c_char) {
    if HAS_BEGUN.swap(true, Ordering::Relaxed) {
        return;
    }
    // SAFETY: only asks. Nonzero in a program that has more rights than who started it: they decide nothing here.
    let secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    let settings = if secure {
        Settings::new()
    } else {
        // SAFETY: the caller's promise.
        Settings::from_environment(unsafe { Variables::new(environment) }, line::send)
    };
    PRINT_AT_EXIT.store(settings.stats, Ordering::Relaxed);
    ffi::configure(settings);
    process::configure(settings);
    // SAFETY: the handlers are functions of this library, which the C library forgets if it is unloaded.
    unsafe { libc::pthread_atfork(Some(before_fork), Some(after_fork_in_parent), Some(after_fork_in_child)) };
}

/// Whether the C library's streams take their memory from the process's heap.
static SERVES_STREAMS: AtomicBool = AtomicBool::new(false);

/// Lets forks acquire the lock of the list of open streams before that of the process's heap. For a library that stands in
/// for the C library's `malloc`, and whose fork handlers are registered before all others.
pub fn serve_streams() {
    SERVES_STREAMS.store(true, Ordering::Relaxed);
}

/// Acquires all locks. A thread may need a later one while it holds an earlier one: a walk over the heap of the `os_*`
/// functions may need the other heap, and reading a line from a stream needs memory.
unsafe extern "C" fn before_fork() {
    if SERVES_STREAMS.load(Ordering::Relaxed) {
        stdio::before_fork();
    }
    ffi::before_fork();
    process::before_fork();
}

unsafe extern "C" fn after_fork_in_parent() {
    process::after_fork();
    ffi::after_fork();
    stdio::after_fork_in_parent();
}

unsafe extern "C" fn after_fork_in_child() {
    process::after_fork();
    ffi::after_fork();
    stdio::after_fork_in_child();
}

#[used]
#[cfg_attr(not(miri), unsafe(link_section = ".fini_array"))]
static DESTRUCTOR: extern "C" fn() = destructor;

extern "C" fn destructor() {
    if PRINT_AT_EXIT.load(Ordering::Relaxed) {
        print("heap", process::stats());
        print("os_malloc's heap", ffi::stats().unwrap_or_default());
    }
}

/// Says what a heap holds that was used.
fn print(heap: &str, stats: Stats) {
    if stats != Stats::default() {
        report::figures(heap, &stats);
    }
}

/// The variables of an environment, as name and value. What has no `=` is left out.
struct Variables<'a> {
    next: *const *const c_char,
    strings: PhantomData<&'a CStr>,
}

impl Variables<'_> {
    /// # Safety
    ///
    /// `environment` is null, or a null-terminated array of strings that nobody changes while the lifetime lasts.
    unsafe fn new(environment: *const *const c_char) -> Self {
        Self { next: environment, strings: PhantomData }
    }
}

impl<'a> Iterator for Variables<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.next.is_null() {
                return None;
            }
            // SAFETY: `new`'s promise; the end of the array has not been passed.
            let entry = unsafe { *self.next };
            if entry.is_null() {
                return None;
            }
            // SAFETY: this entry was not the last one.
            self.next = unsafe { self.next.add(1) };
            // SAFETY: `new`'s promise.
            let entry: &'a CStr = unsafe { CStr::from_ptr(entry) };
            let mut halves = entry.to_bytes().splitn(2, |byte| *byte == b'=');
            if let (Some(name), Some(value)) = (halves.next(), halves.next()) {
                return Some((name, value));
            }
        }
    }
}
