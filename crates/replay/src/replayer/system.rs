//! What a sequence asks of the system itself: limits that make it refuse memory, and moves of the break.

#![expect(unsafe_code, reason = "calls the C library")]

#[cfg(not(target_env = "gnu"))]
use core::ffi::c_int;

use osmem_replay::{Refusal, check};

#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = c_int;

/// The limits as they were when the sequence began.
pub struct Limits {
    break_: libc::rlimit,
    mappings: libc::rlimit,
    refused: Refusal,
}

impl Limits {
    /// The limits of now; the status of a failed check if the system does not tell them.
    pub fn now() -> Result<Self, i32> {
        Ok(Self { break_: limit(libc::RLIMIT_DATA)?, mappings: limit(libc::RLIMIT_AS)?, refused: Refusal::Nothing })
    }

    /// Makes the system refuse this and nothing else.
    pub fn refuse(&mut self, refusal: Refusal) -> Result<(), i32> {
        self.restore()?;
        self.refused = refusal;
        match refusal {
            Refusal::Break => set_limit(libc::RLIMIT_DATA, libc::rlimit { rlim_cur: 0, ..self.break_ }),
            Refusal::Mappings => set_limit(libc::RLIMIT_AS, libc::rlimit { rlim_cur: 0, ..self.mappings }),
            Refusal::Nothing => Ok(()),
        }
    }

    /// Puts back what was lowered.
    pub fn restore(&mut self) -> Result<(), i32> {
        match core::mem::replace(&mut self.refused, Refusal::Nothing) {
            Refusal::Break => set_limit(libc::RLIMIT_DATA, self.break_),
            Refusal::Mappings => set_limit(libc::RLIMIT_AS, self.mappings),
            Refusal::Nothing => Ok(()),
        }
    }

    /// What is refused at the moment.
    pub fn refused(&self) -> Refusal {
        self.refused
    }
}

fn limit(resource: Resource) -> Result<libc::rlimit, i32> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: writes to `limit` only.
    let failed = unsafe { libc::getrlimit(resource, &raw mut limit) } != 0;
    if failed { Err(check::UNUSABLE) } else { Ok(limit) }
}

fn set_limit(resource: Resource, limit: libc::rlimit) -> Result<(), i32> {
    // SAFETY: reads `limit` only.
    let failed = unsafe { libc::setrlimit(resource, &raw const limit) } != 0;
    if failed { Err(check::UNUSABLE) } else { Ok(()) }
}

/// The break as the kernel knows it; the C library may remember an older one.
pub fn current_break() -> usize {
    // SAFETY: the kernel takes no break of 0: it moves nothing and answers with the present one.
    usize::try_from(unsafe { libc::syscall(libc::SYS_brk, 0) }).unwrap_or(0)
}

/// Moves the break through the C library where it keeps a copy of it, which must not go stale.
///
/// # Safety
///
/// Nothing above the lower one of the old and the new break belongs to anybody but the caller.
pub unsafe fn set_break(end: usize) {
    // SAFETY: as promised by the caller.
    unsafe {
        #[cfg(target_env = "gnu")]
        libc::brk(core::ptr::with_exposed_provenance_mut(end));
        #[cfg(not(target_env = "gnu"))]
        libc::syscall(libc::SYS_brk, end);
    }
}
