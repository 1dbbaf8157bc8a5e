//! The few system calls that need unsafe code.
#![expect(unsafe_code, reason = "fork and system calls that no library wraps")]

use std::ffi::CString;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::unistd::{ForkResult, Pid, fork};

use crate::policy::Idle;

pub mod notify;

/// Forks this process, which must have one thread; `None` in the child.
pub fn split() -> nix::Result<Option<Pid>> {
    // SAFETY: `osmem-box` never starts a thread, so that the child may do anything.
    match unsafe { fork()? } {
        ForkResult::Parent { child } => Ok(Some(child)),
        ForkResult::Child => {
            be_noticed();
            Ok(None)
        }
    }
}

/// Makes a system call that does nothing, and that a tracer of memory calls sees. Before the first of those strace stops a new process
/// at all of its system calls (seen with 6.1, `--seccomp-bpf`), afterwards only at those that it traces.
fn be_noticed() {
    // SAFETY: no byte is concerned.
    unsafe { libc::madvise(std::ptr::null_mut(), 0, libc::MADV_NORMAL) };
}

/// Makes a system call [`Idle::TIMES`] times, to no effect.
pub fn idle(call: Idle) {
    for _ in 0..Idle::TIMES {
        // SAFETY: no byte is concerned: the break is asked for, and a mapping of no length is refused.
        unsafe {
            match call {
                Idle::Brk => libc::syscall(libc::SYS_brk, 0),
                Idle::Mmap => libc::syscall(libc::SYS_mmap, 0, 0, libc::PROT_NONE, libc::MAP_PRIVATE, -1, 0),
            };
        }
    }
}

/// Ends this process without running exit handlers.
pub fn leave(status: i32) -> ! {
    // SAFETY: takes any status.
    unsafe { libc::_exit(status) }
}

fn answer(result: libc::c_long) -> io::Result<libc::c_long> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Closes every descriptor but the first three and these, which must close themselves when the program starts.
pub fn close_all_but(kept: &[RawFd]) {
    let mut kept: Vec<RawFd> = kept.iter().copied().filter(|descriptor| *descriptor > 2).collect();
    kept.sort_unstable();
    kept.push(RawFd::MAX);
    let mut first = 3;
    for kept in kept {
        close(first, kept - 1);
        first = kept.saturating_add(1);
    }
}

/// Closes all descriptors from the first to the last.
fn close(first: RawFd, last: RawFd) {
    if first > last {
        return;
    }
    // SAFETY: these descriptors are not used any more.
    if unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } != 0 {
        for descriptor in first..=last.min(65_536) {
            // SAFETY: as above.
            unsafe { libc::close(descriptor) };
        }
    }
}

/// Closes every descriptor.
pub fn close_all() {
    // SAFETY: nobody uses any descriptor any more.
    unsafe { libc::syscall(libc::SYS_close_range, 0, RawFd::MAX, 0) };
}

/// A descriptor that can be polled for the end of a child.
pub fn pidfd(process: Pid) -> io::Result<OwnedFd> {
    // SAFETY: the kernel gives a new descriptor, which nobody else owns.
    unsafe {
        let descriptor = answer(libc::syscall(libc::SYS_pidfd_open, process.as_raw(), 0))?;
        Ok(OwnedFd::from_raw_fd(RawFd::try_from(descriptor).map_err(io::Error::other)?))
    }
}

/// Returns the owner of a descriptor that has no other owner: one that has come with a message.
pub fn owned(descriptor: RawFd) -> OwnedFd {
    // SAFETY: the caller says so.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user: u64,
}

const RDONLY: u64 = 0x1;
const NOSUID: u64 = 0x2;
const NODEV: u64 = 0x4;

/// Makes a mount, with all mounts below it, read-only or not, without set-user-id programs, and without devices unless wanted.
pub fn harden(path: &Path, read_only: bool, devices: bool) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other)?;
    let set = NOSUID | if read_only { RDONLY } else { 0 } | if devices { 0 } else { NODEV };
    let attributes = MountAttributes { set, clear: 0, propagation: 0, user: 0 };
    // SAFETY: the path is a C string; the attributes are readable for the size given.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<MountAttributes>(),
        )
    };
    answer(result).map(drop)
}

/// Sets a limit of this process, soft and hard, to `value`, or to the hard limit where that is lower.
pub fn limit(resource: libc::__rlimit_resource_t, value: u64) -> io::Result<()> {
    let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `now` is writable and readable.
    unsafe {
        answer(libc::getrlimit(resource, &raw mut now).into())?;
        let value = value.min(now.rlim_max);
        let wanted = libc::rlimit { rlim_cur: value, rlim_max: value };
        answer(libc::setrlimit(resource, &raw const wanted).into()).map(drop)
    }
}

/// Gives up all users and groups but these.
pub fn become_user(user: u32) -> io::Result<()> {
    // SAFETY: an empty list of groups, and numbers.
    unsafe {
        answer(libc::setgroups(0, std::ptr::null()).into())?;
        answer(libc::setresgid(user, user, user).into())?;
        answer(libc::setresuid(user, user, user).into()).map(drop)
    }
}
