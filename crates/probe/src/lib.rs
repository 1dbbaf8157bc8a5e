//! `libosmem_probe.so`: tells a tracer, in the stream of system calls, which `os_*` call is running.
//!
//! Loaded in front of an allocator (`LD_PRELOAD`), it stands in for the allocator's four functions and for the ways in
//! and out of a program, passes every call on to the real function, and says what happens by *marks*: writes to
//! descriptor -1. The kernel refuses them, so nothing is written anywhere, but a tracer sees them in order with the
//! system calls that the allocator makes. Each mark is `KEY BODY`, shorter than 128 bytes:
//!
//! ```text
//! begin 2 0x7f10            the first mark, before any other constructor: the version of this protocol, where the ring lies
//! main                      the program's main function is about to run
//! call os_malloc 1000       an os_* call begins: os_malloc SIZE, os_calloc NMEMB SIZE,
//! call os_realloc 0x40 8      os_realloc POINTER SIZE, os_free POINTER (NULL is 0x0)
//! done 0x55d0               it returned this pointer; after os_free: done
//! end return 3              main returned 3
//! end exit 3                the program itself called exit, _exit, _Exit or quick_exit
//! missing os_calloc         the allocator lacks this function; the process ends with 127
//! full                      the ring is full: the tracer has to read it now
//! ```
//!
//! A tracer that can read the memory of the process sets the mode of the ring (package osmem-ring): `call` and `done` are then notes in
//! it, which cost no system call. All else stays a mark.
//!
//! **Promises.** Only the outermost call of a thread is announced, not what an allocator calls within. `errno` is
//! untouched. The probe itself moves no break and makes no mapping after `begin`: it allocates nothing, formats by hand
//! and starts no thread. It gives standard output a buffer of its own, so that printing moves no break either. All marks come from one instruction, so that a tracer that prints instruction pointers can tell a
//! genuine mark from a forged one. Without a key (module `key`) it is silent and only forwards.
//!
//! **End proof.** An `end` mark means that the program, not the allocator, chose to end: see module `end`. A program left by
//! `pthread_exit` in main, or ended by a library other than the allocator, has no proof either; nor has one that leaves
//! an `os_*` call by `longjmp` and then calls `exit`: that call never ended.
//!
//! **Children.** A forked child goes on making marks; the tracer drops other processes. A program started by `exec`
//! finds no key and is silent.
//!
//! The marks guard against mistakes and against shortcuts such as `exit(0)` inside `os_free`. They are no sandbox: code
//! that takes its own process apart can always find the probe in it.
//!
//! Modules, bottom layer first; each uses only those above it:
//!
//! ```text
//! c        what is called of the C library
//! arch     raw system calls, the caller's return address
//! key      the run's key, taken from the environment and wiped there
//! mark     the text of marks
//! real     the functions that the probe stands in for
//! thread   is this thread inside an os_* call?
//! begin    the start of the window
//! calls    the four os_* functions
//! end      main, exit and the end proof
//! ```
// The standard library allocates, formats and prints; without it, none of that can happen by mistake.
#![cfg_attr(not(test), no_std)]
#![expect(
    unsafe_code,
    reason = "an interposer speaks the C ABI, calls functions found by name and makes raw system calls"
)]

mod arch;
mod begin;
mod c;
mod calls;
mod end;
mod key;
mod mark;
mod real;
mod thread;

/// Nothing here panics; the language asks for this function all the same.
#[cfg(not(test))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    arch::end_process(127)
}
