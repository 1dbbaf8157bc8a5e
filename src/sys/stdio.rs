//! The lock of the C library's list of open streams, which `fork` needs after the allocator's locks.
//!
//! Three threads would wait for each other in a circle otherwise: one that forks holds the allocator's lock and wants the
//! list's; one in `fflush(NULL)` holds the list's and wants a stream's; one in `getline` holds that stream's and wants
//! memory. So the list's lock is acquired before the allocator's. Only glibc offers it; with another C library, a program
//! that forks beside such threads may hang.
#![expect(unsafe_code, reason = "functions of the C library")]

#[cfg(all(target_env = "gnu", not(miri)))]
mod glibc {
    use std::arch::{asm, global_asm};
    use std::mem;
    use std::ptr;
    use std::sync::atomic::{AtomicU32, Ordering};

    // glibc exports them for its own libraries. Where one is missing, its address is 0.
    global_asm!(
        ".weak _IO_list_lock",
        ".weak _IO_list_unlock",
        ".weak _IO_list_resetlock",
        ".weak __libc_single_threaded",
    );

    /// Locks of the list that forks under way have acquired. Changed only by the thread that holds it.
    static HELD: AtomicU32 = AtomicU32::new(0);

    /// Returns the address of a symbol that may be missing; null if it is.
    macro_rules! address {
        ($name:literal) => {{
            let address: *const ();
            #[cfg(target_arch = "x86_64")]
            // SAFETY: reads a word that the loader has filled.
            unsafe {
                asm!(
                    concat!("mov {address}, qword ptr [rip + ", $name, "@GOTPCREL]"),
                    address = out(reg) address,
                    options(pure, readonly, nostack, preserves_flags),
                );
            }
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as above.
            unsafe {
                asm!(
                    concat!("adrp {address}, :got:", $name),
                    concat!("ldr {address}, [{address}, #:got_lo12:", $name, "]"),
                    address = out(reg) address,
                    options(pure, readonly, nostack, preserves_flags),
                );
            }
            address
        }};
    }

    /// Calls a function without arguments; `false` if it is missing.
    fn call(function: *const ()) -> bool {
        if function.is_null() {
            return false;
        }
        // SAFETY: the three functions of the list take and return nothing.
        let function: unsafe extern "C" fn() = unsafe { mem::transmute(function) };
        // SAFETY: the list's lock knows its owner, which may acquire it several times.
        unsafe { function() };
        true
    }

    /// Whether the process has one thread only, so that no other can hold a lock.
    fn is_single_threaded() -> bool {
        let word = address!("__libc_single_threaded").cast::<u8>();
        // SAFETY: a variable of the C library, which is there if its address is.
        !word.is_null() && unsafe { ptr::read_volatile(word) } != 0
    }

    /// Acquires the lock, unless there is one thread: that one may have been interrupted while it changed the list.
    pub(crate) fn before_fork() {
        if !is_single_threaded() && call(address!("_IO_list_lock")) {
            HELD.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Releases the lock, if `before_fork` acquired it.
    pub(crate) fn after_fork_in_parent() {
        if HELD.load(Ordering::Relaxed) > 0 {
            HELD.fetch_sub(1, Ordering::Relaxed);
            call(address!("_IO_list_unlock"));
        }
    }

    /// Makes the child's copy of the lock free, as glibc does itself in a child of several threads.
    pub(crate) fn after_fork_in_child() {
        if HELD.swap(0, Ordering::Relaxed) > 0 {
            call(address!("_IO_list_resetlock"));
        }
    }
}

#[cfg(any(not(target_env = "gnu"), miri))]
mod other {
    pub(crate) fn before_fork() {}
    pub(crate) fn after_fork_in_parent() {}
    pub(crate) fn after_fork_in_child() {}
}

#[cfg(all(target_env = "gnu", not(miri)))]
pub(crate) use glibc::{after_fork_in_child, after_fork_in_parent, before_fork};
#[cfg(any(not(target_env = "gnu"), miri))]
pub(crate) use other::{after_fork_in_child, after_fork_in_parent, before_fork};
