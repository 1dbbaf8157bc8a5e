//! Children: waits for one of them for a while, and ends those that a library left behind.

#![expect(unsafe_code, reason = "waits, kills and reads through the C library")]

use core::ffi::c_int;
use core::mem::zeroed;
use core::ptr;

use osmem_replay::State;

/// How often what is left is looked for, a millisecond apart, before it is given up.
const TRIES: usize = 2000;

/// The signals that a child is waited for with, blocked, and those that were blocked before.
pub struct Signals {
    child: libc::sigset_t,
    before: libc::sigset_t,
}

impl Signals {
    /// Blocks SIGCHLD, makes sure that ended children can be waited for, and takes in the orphans of children.
    pub fn block() -> Self {
        // SAFETY: a set is valid whatever its bytes are, and all of this reads and writes these two only.
        unsafe {
            let mut signals = Self { child: zeroed(), before: zeroed() };
            libc::sigemptyset(&raw mut signals.child);
            libc::sigaddset(&raw mut signals.child, libc::SIGCHLD);
            libc::sigprocmask(libc::SIG_BLOCK, &raw const signals.child, &raw mut signals.before);
            // Ignored by whoever started this program, children would vanish without a status.
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
            libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1);
            signals
        }
    }

    /// In a child: blocks what was blocked before, and dies with its parent.
    pub fn restore(&self) {
        // SAFETY: reads the set only.
        unsafe {
            libc::sigprocmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut());
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        }
    }

    /// Waits for the child, at most `limit` milliseconds; then, or when it was stopped, kills it. Tells how it ended.
    pub fn wait(&self, child: libc::pid_t, limit: u64) -> (State, c_int) {
        let end = now().saturating_add(limit.saturating_mul(1_000_000));
        loop {
            let mut status = 0;
            // SAFETY: writes the status only.
            let found = unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG | libc::WUNTRACED) };
            if found == child && libc::WIFSTOPPED(status) {
                kill_and_reap(child);
                return (State::Stopped, libc::WSTOPSIG(status));
            } else if found == child && libc::WIFSIGNALED(status) {
                return (State::Signalled, libc::WTERMSIG(status));
            } else if found == child {
                return (State::Exited, libc::WEXITSTATUS(status));
            }
            let left = end.saturating_sub(now());
            if left == 0 {
                kill_and_reap(child);
                return (State::TimedOut, libc::SIGKILL);
            }
            let left = timespec(left);
            // SAFETY: reads the set and the time. Whatever it says, the child is asked again.
            unsafe { libc::sigtimedwait(&raw const self.child, ptr::null_mut(), &raw const left) };
        }
    }
}

fn kill_and_reap(child: libc::pid_t) {
    // SAFETY: a child that was not waited for yet: the number is still its own.
    unsafe {
        libc::kill(child, libc::SIGKILL);
        while libc::waitpid(child, ptr::null_mut(), 0) < 0 && errno() == libc::EINTR {}
    }
}

/// Kills and reaps all children, and those that thereby become children, until none is left.
pub fn sweep() {
    for _ in 0..TRIES {
        // SAFETY: asks only; reaped is whatever has ended.
        match unsafe { libc::waitpid(-1, ptr::null_mut(), libc::WNOHANG | libc::__WALL) } {
            -1 => return,
            0 => {
                if !kill_all() {
                    return;
                }
                let pause = timespec(1_000_000);
                // SAFETY: reads the time only.
                unsafe { libc::nanosleep(&raw const pause, ptr::null_mut()) };
            }
            _ => {}
        }
    }
}

/// Kills all children; whether there was any to be found.
fn kill_all() -> bool {
    let mut text = [0_u8; 4096];
    // SAFETY: the path is a C string, and at most as many bytes are written as there are.
    let length = unsafe {
        let descriptor = libc::open(c"/proc/thread-self/children".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if descriptor < 0 {
            return false;
        }
        let length = libc::read(descriptor, text.as_mut_ptr().cast(), text.len());
        libc::close(descriptor);
        usize::try_from(length).unwrap_or(0)
    };
    let mut any = false;
    let mut child: libc::pid_t = 0;
    // A number without a space behind it may be cut off.
    for byte in text.iter().take(length) {
        if byte.is_ascii_digit() {
            child = child.saturating_mul(10).saturating_add((byte - b'0').into());
        } else if child > 1 {
            any = true;
            // SAFETY: a child that was not waited for yet: the number is still its own.
            unsafe { libc::kill(child, libc::SIGKILL) };
            child = 0;
        }
    }
    any
}

/// Nanoseconds on a clock that only runs forward.
fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes the time only.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec.cast_unsigned().saturating_mul(1_000_000_000).saturating_add(time.tv_nsec.cast_unsigned())
}

fn timespec(nanoseconds: u64) -> libc::timespec {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    time.tv_sec = (nanoseconds / 1_000_000_000).cast_signed();
    time.tv_nsec = (nanoseconds % 1_000_000_000).cast_signed();
    time
}

fn errno() -> c_int {
    // SAFETY: errno belongs to this thread.
    unsafe { *libc::__errno_location() }
}
