//! Symbols of glibc that the `libc` crate does not declare. Any of them may be missing.
#![expect(unsafe_code, reason = "symbols of the C library")]

use std::arch::global_asm;
use std::ptr;
use std::sync::atomic::AtomicUsize;

// Where one is missing, its address is 0.
global_asm!(
    ".weak _IO_list_lock",
    ".weak _IO_list_unlock",
    ".weak _IO_list_resetlock",
    ".weak __libc_single_threaded",
    ".weak __curbrk",
);

/// Returns the address of a symbol that may be missing; null if it is.
macro_rules! address {
    ($name:literal) => {{
        let address: *const ();
        #[cfg(target_arch = "x86_64")]
        // SAFETY: reads a word that the loader has filled.
        unsafe {
            std::arch::asm!(
                concat!("mov {address}, qword ptr [rip + ", $name, "@GOTPCREL]"),
                address = out(reg) address,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        unsafe {
            std::arch::asm!(
                concat!("adrp {address}, :got:", $name),
                concat!("ldr {address}, [{address}, #:got_lo12:", $name, "]"),
                address = out(reg) address,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
        address
    }};
}

/// The lock of the list of open streams: functions without arguments, whose address is null where it is missing.
pub(super) fn list_lock() -> *const () {
    address!("_IO_list_lock")
}

/// Releases it.
pub(super) fn list_unlock() -> *const () {
    address!("_IO_list_unlock")
}

/// Makes it free, without regard to its holder.
pub(super) fn list_reset() -> *const () {
    address!("_IO_list_resetlock")
}

/// Whether the process is known to have one thread only (glibc 2.32 and later).
pub(super) fn is_single_threaded() -> bool {
    let word = address!("__libc_single_threaded").cast::<u8>();
    // SAFETY: a variable of the C library, which is there if its address is.
    !word.is_null() && unsafe { ptr::read_volatile(word) } != 0
}

/// The break as `sbrk` remembers it; 0 before anything has asked for it.
pub(super) fn remembered_break() -> Option<&'static AtomicUsize> {
    let word = address!("__curbrk").cast::<AtomicUsize>();
    // SAFETY: a variable of the C library, aligned and there for good; `sbrk` reads and writes it as one word.
    (!word.is_null()).then(|| unsafe { &*word })
}
