//! System calls that the kernel puts to a process outside, which answers them.

use std::io;
use std::mem::{MaybeUninit, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use libc::c_long;
use nix::unistd::Pid;
use seccompiler::sock_filter;

use super::answer;

/// The kernel's number of the request that waits for a call.
const RECEIVE: libc::Ioctl = 0xc050_2100_u32 as libc::Ioctl;
/// The number of the request that answers one.
const SEND: libc::Ioctl = 0xc018_2101_u32 as libc::Ioctl;
/// The number of the request that asks whether one still waits.
const WAITS: libc::Ioctl = 0x4008_2102_u32 as libc::Ioctl;

/// A system call that waits for an answer.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The kernel's name of it.
    id: u64,
    /// The thread that makes it.
    pub thread: Pid,
    /// The number of the call.
    pub call: c_long,
    /// The arguments.
    pub arguments: [u64; 6],
}

/// Sets a filter of system calls, and returns the descriptor at which they are answered.
pub fn listen(filter: &[sock_filter]) -> io::Result<OwnedFd> {
    let length = u16::try_from(filter.len()).map_err(io::Error::other)?;
    // `sock_filter` of both crates is the kernel's.
    let program = libc::sock_fprog { len: length, filter: filter.as_ptr().cast::<libc::sock_filter>().cast_mut() };
    // SAFETY: the kernel reads as many instructions as there are, and gives a new descriptor.
    unsafe {
        let descriptor = answer(libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const program,
        ))?;
        Ok(OwnedFd::from_raw_fd(RawFd::try_from(descriptor).map_err(io::Error::other)?))
    }
}

/// Returns the next call.
pub fn receive(listener: BorrowedFd<'_>) -> io::Result<Asked> {
    let mut asked = MaybeUninit::<libc::seccomp_notif>::zeroed();
    // SAFETY: the kernel wants zeros, and writes no more than the structure.
    let asked = unsafe {
        answer(libc::ioctl(listener.as_raw_fd(), RECEIVE, asked.as_mut_ptr()).into())?;
        asked.assume_init()
    };
    let thread = i32::try_from(asked.pid).map_err(io::Error::other)?;
    Ok(Asked { id: asked.id, thread: Pid::from_raw(thread), call: asked.data.nr.into(), arguments: asked.data.args })
}

/// Returns whether the thread that made this call still waits: what is known by its number then belongs to it.
pub fn waits(listener: BorrowedFd<'_>, asked: &Asked) -> bool {
    // SAFETY: the kernel reads a number.
    unsafe { libc::ioctl(listener.as_raw_fd(), WAITS, &raw const asked.id) == 0 }
}

/// Lets a call return 0, or fail by this error.
pub fn reply(listener: BorrowedFd<'_>, asked: &Asked, error: i32) {
    // SAFETY: numbers, for which zeros are right.
    let mut reply: libc::seccomp_notif_resp = unsafe { zeroed() };
    reply.id = asked.id;
    reply.error = -error;
    // SAFETY: the kernel reads the structure. A thread that was ended meanwhile gets no answer.
    unsafe { libc::ioctl(listener.as_raw_fd(), SEND, &raw const reply) };
}
