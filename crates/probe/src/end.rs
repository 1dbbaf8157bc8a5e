//! The end proof: who ended the program, and was it at liberty to?
//!
//! It is given when main returns, and when `exit`, `_exit`, `_Exit` or `quick_exit` is called after main began, outside
//! any os_* call of that thread, by code of the main executable, which the return address tells. A library that ends the
//! process, be it in a call, constructor, thread, exit handler or signal handler, gives none.

use core::ffi::{c_char, c_int, c_void};
use core::mem::transmute;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use osmem_interpose::{Location, with_caller_second};

use crate::mark::Mark;
use crate::real::{self, Leave, Main, Real};
use crate::{begin, c, key, thread};

/// The program's real main function, set before it is called.
static MAIN: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static MAIN_BEGAN: AtomicBool = AtomicBool::new(false);

/// Stands in for the C library's start of a program, to see main return.
///
/// # Safety
/// As for the real function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __libc_start_main(
    main: Main,
    argc: c_int,
    argv: *mut *mut c_char,
    init: *mut c_void,
    fini: *mut c_void,
    loader_fini: *mut c_void,
    stack_end: *mut c_void,
) -> c_int {
    // SAFETY: the kernel lays the environment behind the `argc` arguments and their ending null pointer.
    unsafe { begin::begin(argv.offset(argc as isize + 1)) };
    let start = real::get(&real::START);
    let mut to_run = main;
    // A library that starts "the program" over, with a main of its own, is not followed.
    if key::get().is_some() && is_program(main as usize) {
        MAIN.store(main as *mut c_void, Ordering::Relaxed);
        to_run = announced_main;
    }
    // SAFETY: the caller's promise, passed on; `to_run` is a main function like `main`.
    unsafe { start(to_run, argc, argv, init, fini, loader_fini, stack_end) }
}

/// Runs the program's main between two marks.
unsafe extern "C" fn announced_main(argc: c_int, argv: *mut *mut c_char, environment: *mut *mut c_char) -> c_int {
    // SAFETY: `__libc_start_main` stored the function of this type before it passed this one on.
    let main = unsafe { transmute::<*mut c_void, Main>(MAIN.load(Ordering::Relaxed)) };
    MAIN_BEGAN.store(true, Ordering::Relaxed);
    Mark::new("main").emit();
    // SAFETY: the arguments are those that the C library has for main.
    let status = unsafe { main(argc, argv, environment) };
    Mark::new("end").word("return").status(status).emit();
    status
}

/// Does `address` lie in the main executable, as the program's entry does?
fn is_program(address: usize) -> bool {
    // SAFETY: answers 0 for what it does not know.
    let entry = unsafe { c::getauxval(c::AT_ENTRY) };
    base(entry).is_some_and(|program| base(address) == Some(program))
}

/// The base address of the loaded file that `address` lies in.
fn base(address: usize) -> Option<usize> {
    Location::of(address).map(|location| location.base.addr())
}

/// Ends the process through the real function, with the proof if it is due.
fn leave(real: &Real<Leave>, status: c_int, caller: usize) -> ! {
    if MAIN_BEGAN.load(Ordering::Relaxed) && !thread::is_inside() && is_program(caller) {
        Mark::new("end").word("exit").status(status).emit();
    }
    let real = real::get(real);
    // SAFETY: these functions take any status.
    unsafe { real(status) }
}

/// Defines one of the C library's functions that end the process.
macro_rules! way_out {
    ($name:ident, $handler:ident, $real:ident) => {
        #[doc = concat!("Stands in for the C library's `", stringify!($name), "`.")]
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub extern "C" fn $name(status: c_int) -> ! {
            with_caller_second!($handler)
        }

        extern "C" fn $handler(status: c_int, caller: usize) -> ! {
            leave(&real::$real, status, caller)
        }
    };
}

way_out!(exit, left_by_exit, EXIT);
way_out!(_exit, left_by_underscore_exit, UNDERSCORE_EXIT);
way_out!(_Exit, left_by_capital_exit, CAPITAL_EXIT);
way_out!(quick_exit, left_by_quick_exit, QUICK_EXIT);
