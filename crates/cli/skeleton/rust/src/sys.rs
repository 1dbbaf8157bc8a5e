//! The C library's functions that an allocator needs, and their constants on Linux.

use std::ffi::{c_int, c_long, c_void};

unsafe extern "C" {
    /// Moves the break by so many bytes and gives where it was; -1 as a pointer if refused.
    pub fn sbrk(increment: isize) -> *mut c_void;
    /// Gives -1 as a pointer if refused.
    pub fn mmap(start: *mut c_void, length: usize, protection: c_int, flags: c_int, fd: c_int, offset: i64) -> *mut c_void;
    /// Gives -1 if refused.
    pub fn munmap(start: *mut c_void, length: usize) -> c_int;
    pub fn sysconf(name: c_int) -> c_long;
    /// Where this thread's errno lies.
    pub fn __errno_location() -> *mut c_int;
}

/// What sbrk and mmap give if refused.
pub const REFUSED: *mut c_void = usize::MAX as *mut c_void;

pub const PROT_READ: c_int = 1;
pub const PROT_WRITE: c_int = 2;
pub const MAP_PRIVATE: c_int = 2;
pub const MAP_ANONYMOUS: c_int = 0x20;
/// For sysconf: the size of a page.
pub const _SC_PAGESIZE: c_int = 30;

pub const ENOMEM: c_int = 12;
pub const EINVAL: c_int = 22;
