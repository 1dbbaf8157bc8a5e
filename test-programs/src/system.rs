//! What a scenario asks of the system itself: limits that make it refuse memory, moves of the break, errno.

#![expect(unsafe_code, reason = "calls the C library")]

use core::ffi::{c_int, c_void};

use osmem_replay::check;

use crate::memory::Memory;
use crate::message::Part::{Number, Text};
use crate::message::{FAILED, fail};

/// What the system refuses while a limit is lowered.
#[derive(Clone, Copy)]
pub enum Refused {
    /// Every upward move of the break.
    Break,
    /// Every new mapping.
    Mapping,
}

#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = c_int;

fn limit(resource: Resource) -> libc::rlimit {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: writes to `limit` only.
    if unsafe { libc::getrlimit(resource, &raw mut limit) } != 0 {
        fail(FAILED, &[Text("getrlimit failed")]);
    }
    limit
}

fn set_limit(resource: Resource, limit: libc::rlimit) {
    // SAFETY: reads `limit` only.
    if unsafe { libc::setrlimit(resource, &raw const limit) } != 0 {
        fail(FAILED, &[Text("setrlimit failed")]);
    }
}

/// Runs `body` while the system refuses, then puts the limit back as it was.
pub fn while_refused<R>(refused: Refused, body: impl FnOnce() -> R) -> R {
    let resource = match refused {
        Refused::Break => libc::RLIMIT_DATA,
        Refused::Mapping => libc::RLIMIT_AS,
    };
    let before = limit(resource);
    set_limit(resource, libc::rlimit { rlim_cur: 0, ..before });
    let result = body();
    set_limit(resource, before);
    result
}

fn errno() -> *mut c_int {
    // SAFETY: takes nothing, gives the calling thread's errno.
    unsafe { libc::__errno_location() }
}

/// Runs `body`, which must set errno to `code`.
pub fn expect_errno<R>(code: c_int, body: impl FnOnce() -> R) -> R {
    errno_after(0, code, body)
}

/// Runs `body`, which must leave errno as it is.
pub fn keep_errno<R>(body: impl FnOnce() -> R) -> R {
    errno_after(libc::EXDEV, libc::EXDEV, body)
}

/// The result of `body`, a call that may be refused: NULL must come with ENOMEM.
pub(crate) fn unless_refused(body: impl FnOnce() -> *mut c_void) -> Option<*mut c_void> {
    // SAFETY: errno belongs to this thread.
    unsafe { errno().write(0) };
    let result = body();
    if !result.is_null() {
        return Some(result);
    }
    // SAFETY: as above.
    let found = unsafe { errno().read() };
    require_errno(found, libc::ENOMEM);
    None
}

fn require_errno(found: c_int, wanted: c_int) {
    if found != wanted {
        let number = |code: c_int| Number(usize::try_from(code).unwrap_or(usize::MAX));
        fail(check::ERRNO, &[Text("errno is "), number(found), Text(", it must be "), number(wanted)]);
    }
}

fn errno_after<R>(before: c_int, after: c_int, body: impl FnOnce() -> R) -> R {
    // SAFETY: errno belongs to this thread.
    unsafe { errno().write(before) };
    let result = body();
    // SAFETY: as above.
    let found = unsafe { errno().read() };
    require_errno(found, after);
    result
}

/// The memory between the old and the new break, after the program itself moved it: filled, and verified when dropped.
#[must_use = "it is verified when it is dropped"]
pub struct Foreign(Memory);

impl Drop for Foreign {
    fn drop(&mut self) {
        self.0.verify("the program's own part of the break", check::BREAK_WRITTEN_INTO);
    }
}

/// Moves the break up by `bytes`, as somebody does who knows nothing of the allocator.
pub fn foreign_break(bytes: usize) -> Foreign {
    let start = current_break();
    let end = start.wrapping_byte_add(bytes);
    set_break(end);
    if current_break() != end {
        fail(FAILED, &[Text("the break could not be moved by "), Number(bytes)]);
    }
    // SAFETY: M1: the kernel just gave these bytes, to this function alone.
    let mut memory = unsafe { Memory::new(start, bytes) };
    memory.fill();
    Foreign(memory)
}

impl Foreign {
    /// Moves the break back down to where it was.
    pub fn undo(self) {
        let start = self.0.address();
        drop(self);
        set_break(start);
    }
}

/// The break as the kernel knows it; the C library may remember an older one.
fn current_break() -> *mut u8 {
    // SAFETY: the kernel takes no break of 0: it moves nothing and answers with the present one.
    unsafe { libc::syscall(libc::SYS_brk, 0) as *mut u8 }
}

/// Moves the break through the C library where it keeps a copy of it, which must not go stale.
fn set_break(end: *mut u8) {
    // SAFETY: nothing above the lower one of the old and the new break belongs to anybody but the caller.
    unsafe {
        #[cfg(target_env = "gnu")]
        libc::brk(end.cast());
        #[cfg(not(target_env = "gnu"))]
        libc::syscall(libc::SYS_brk, end);
    }
}
