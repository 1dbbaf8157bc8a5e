//! The requests to the kernel that no library wraps as they are needed here.
//!
//! `nix` knows no signals above 31, which a traced process may get like any other, nor PTRACE_LISTEN; its PTRACE_GET_SYSCALL_INFO is
//! there for glibc alone.
#![expect(unsafe_code, reason = "ptrace, waitpid and reading the answers of both")]

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::ptr::{null_mut, without_provenance_mut};

use nix::errno::Errno;

/// A thread, by its number.
pub type Tid = i32;

/// What is asked of ptrace.
#[cfg(target_env = "musl")]
pub type Request = libc::c_int;
/// What is asked of ptrace.
#[cfg(not(target_env = "musl"))]
pub type Request = libc::c_uint;

/// How a stopped thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onward {
    /// Up to the next stop of its own.
    Run,
    /// The same, and also at the end of the system call that it is in (or the beginning of the next).
    ToEnd,
    /// It stays stopped as a job, and tells when that ends.
    Listen,
}

/// Something that a thread did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It ended with this status.
    Exited(i32),
    /// This signal ended it.
    Killed(i32),
    /// It stands still: the signal, and what the kernel adds to it.
    Stopped(i32, i32),
}

/// Waits for the next news of any thread that the calling thread traces; `None`: there is none left, or `is_over` says so after
/// [`interrupt`].
pub fn wait(is_over: impl Fn() -> bool) -> io::Result<Option<(Tid, News)>> {
    next(0, is_over)
}

/// The next news that is there already, without waiting for any.
pub fn at_hand() -> io::Result<Option<(Tid, News)>> {
    next(libc::WNOHANG, || false)
}

fn next(how: i32, is_over: impl Fn() -> bool) -> io::Result<Option<(Tid, News)>> {
    loop {
        let mut status = 0;
        // SAFETY: writes the status only.
        match unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::__WNOTHREAD | how) } {
            0 => return Ok(None),
            ..0 => match Errno::last() {
                Errno::EINTR if is_over() => return Ok(None),
                Errno::EINTR => {}
                Errno::ECHILD => return Ok(None),
                other => return Err(other.into()),
            },
            tid => return Ok(Some((tid, news(status)))),
        }
    }
}

/// The signal by which a thread of this process is made to look up from [`wait`].
const CALL: i32 = libc::SIGURG;

/// Makes a thread of this process look up from [`wait`], should it be there just now.
pub fn interrupt(tid: Tid) {
    extern "C" fn nothing(_signal: i32) {}
    let handler: extern "C" fn(i32) = nothing;
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: all zeros are a valid action without flags, so that waits are not taken up again; the handler does nothing. The signal goes
    // to a thread of this process, or to none.
    unsafe {
        (*action.as_mut_ptr()).sa_sigaction = handler as libc::sighandler_t;
        libc::sigaction(CALL, action.as_ptr(), null_mut());
        libc::syscall(libc::SYS_tgkill, libc::getpid(), tid, CALL);
    }
}

/// Reaps a child of the calling thread, whatever it does.
pub fn reap(tid: Tid) {
    let mut status = 0;
    // SAFETY: writes the status only.
    while unsafe { libc::waitpid(tid, &raw mut status, libc::__WALL) } >= 0
        && !(libc::WIFEXITED(status) || libc::WIFSIGNALED(status))
    {}
}

fn news(status: i32) -> News {
    if libc::WIFEXITED(status) {
        News::Exited(libc::WEXITSTATUS(status))
    } else if libc::WIFSIGNALED(status) {
        News::Killed(libc::WTERMSIG(status))
    } else {
        News::Stopped(libc::WSTOPSIG(status), status >> 16)
    }
}

/// Lets a stopped thread go on, with this signal (0: none). One that was killed meanwhile is no error.
pub fn go_on(tid: Tid, onward: Onward, signal: i32) -> io::Result<()> {
    let request = match onward {
        Onward::Run => libc::PTRACE_CONT,
        Onward::ToEnd => libc::PTRACE_SYSCALL,
        Onward::Listen => libc::PTRACE_LISTEN,
    };
    let signal = without_provenance_mut::<libc::c_void>(usize::try_from(signal).unwrap_or(0));
    // SAFETY: these requests take no pointers.
    match answer(unsafe { libc::ptrace(request, tid, null_mut::<libc::c_void>(), signal) }) {
        Err(Errno::ESRCH) | Ok(_) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// What PTRACE_GET_SYSCALL_INFO tells; as in the kernel's linux/ptrace.h.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct CallInfo {
    /// One of [`ENTRY`], [`EXIT`], [`FILTERED`].
    pub op: u8,
    reserved: [u8; 3],
    /// Which kind of system calls the number belongs to.
    pub arch: u32,
    /// Behind the instruction that made the call.
    pub instruction: u64,
    /// The stack.
    pub stack: u64,
    /// At the beginning: number and arguments. At the end: the result, and in the lowest byte of the second whether it is an error.
    words: [u64; 7],
    /// At the beginning, by a filter: what it returned.
    pub data: u32,
    padding: u32,
}

/// The beginning of a system call.
pub const ENTRY: u8 = 1;
/// The end of a system call.
pub const EXIT: u8 = 2;
/// The beginning of a system call, told by a filter.
pub const FILTERED: u8 = 3;

impl CallInfo {
    /// The number of the call.
    pub fn number(&self) -> u64 {
        self.words[0]
    }

    /// Its arguments.
    pub fn arguments(&self) -> [u64; 6] {
        let [_, arguments @ ..] = self.words;
        arguments
    }

    /// Its result, and whether it is an error.
    pub fn result(&self) -> (i64, bool) {
        (self.words[0].cast_signed(), self.words[1].to_ne_bytes()[0] != 0)
    }
}

/// Where a thread stands in a system call; `None` if it was killed meanwhile.
pub fn call_info(tid: Tid) -> io::Result<Option<CallInfo>> {
    const GET_SYSCALL_INFO: Request = 0x420e;
    let mut info = CallInfo::default();
    let size = without_provenance_mut::<libc::c_void>(size_of::<CallInfo>());
    // SAFETY: writes at most as many bytes as `size` says; all of them are numbers.
    match answer(unsafe { libc::ptrace(GET_SYSCALL_INFO, tid, size, &raw mut info) }) {
        Ok(_) => Ok(Some(info)),
        Err(Errno::ESRCH) => Ok(None),
        Err(error) => Err(io::Error::other(format!("PTRACE_GET_SYSCALL_INFO: {}", error.desc()))),
    }
}

/// A number that belongs to a stop: the new thread of a fork, the old number of a thread that called execve.
pub fn event_message(tid: Tid) -> io::Result<u64> {
    let mut message: libc::c_ulong = 0;
    // SAFETY: writes the number only.
    answer(unsafe { libc::ptrace(libc::PTRACE_GETEVENTMSG, tid, null_mut::<libc::c_void>(), &raw mut message) })?;
    Ok(message)
}

/// The event that a thread stands at now, 0 for another stop; `None`: it does not stand still.
pub fn event(tid: Tid) -> Option<i32> {
    let info = signal_info(tid)?;
    let is_event = info.si_signo == libc::SIGTRAP && info.si_code & 0xff == libc::SIGTRAP;
    Some(if is_event { info.si_code >> 8 } else { 0 })
}

/// Whether a thread has stopped at a breakpoint of the processor.
pub fn is_breakpoint(tid: Tid) -> bool {
    const TRAP_HWBKPT: i32 = 4;
    signal_info(tid).is_some_and(|info| info.si_signo == libc::SIGTRAP && info.si_code == TRAP_HWBKPT)
}

/// The system call for which a filter sent SIGSYS, if that is why the thread has stopped.
pub fn refused_call(tid: Tid) -> Option<u32> {
    const SYS_SECCOMP: i32 = 1;
    // Behind the first three numbers and the address of the call; see sigaction(2).
    const CALL: usize = 24;
    let info = signal_info(tid)?;
    if info.si_code != SYS_SECCOMP {
        return None;
    }
    // SAFETY: the number lies within the structure, and is aligned.
    Some(unsafe { (&raw const info).cast::<u8>().add(CALL).cast::<u32>().read() })
}

fn signal_info(tid: Tid) -> Option<libc::siginfo_t> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: writes one such structure, which is valid whatever its bytes are.
    unsafe {
        answer(libc::ptrace(libc::PTRACE_GETSIGINFO, tid, null_mut::<libc::c_void>(), info.as_mut_ptr())).ok()?;
        Some(info.assume_init())
    }
}

/// Traces a child that waits to be traced.
pub fn seize(tid: Tid, options: i32) -> nix::Result<()> {
    let options = without_provenance_mut::<libc::c_void>(usize::try_from(options).unwrap_or(0));
    // SAFETY: takes no pointers.
    answer(unsafe { libc::ptrace(libc::PTRACE_SEIZE, tid, null_mut::<libc::c_void>(), options) }).map(drop)
}

fn answer(result: libc::c_long) -> nix::Result<libc::c_long> {
    Errno::result(result)
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_wait_for_what_never_comes_can_be_ended() {
        let over = AtomicBool::new(false);
        let (send, receive) = mpsc::channel();
        thread::scope(|scope| {
            let waits = scope.spawn(|| {
                let mut child = Command::new("sleep").arg("100").spawn().unwrap();
                send.send(nix::unistd::gettid().as_raw()).unwrap();
                let news = wait(|| over.load(Ordering::Relaxed));
                child.kill().unwrap();
                child.wait().unwrap();
                news.unwrap()
            });
            let tid = receive.recv().unwrap();
            over.store(true, Ordering::Relaxed);
            while !waits.is_finished() {
                interrupt(tid);
                thread::sleep(Duration::from_millis(1));
            }
            assert_eq!(waits.join().unwrap(), None);
        });
    }
}
