//! The system calls that are let in, by the kernel's names. What is on no list is not there, nor is what comes later.
//!
//! clone3 is on no list: its flags lie in memory, where no filter can read them, and the C library then falls back to clone.

use std::collections::BTreeSet;

use libc::c_long;
use seccompiler::{BpfProgram, sock_filter};
use syscalls::Sysno;

use super::DECIDED;

/// Calls of test programs, libraries and builds. seccomp sets the filters behind this one, of which the last forbids it.
const ALWAYS: &str = "
    read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 open openat openat2 creat close close_range
    stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2 readlink readlinkat getcwd chdir fchdir
    lseek poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
    eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_settime timerfd_gettime pipe pipe2 dup dup2 dup3
    fcntl flock ioctl fsync fdatasync sync_file_range truncate ftruncate fallocate fadvise64 readahead
    sendfile splice tee vmsplice copy_file_range memfd_create umask getdents getdents64 cachestat
    rename renameat renameat2 mkdir mkdirat rmdir link linkat unlink unlinkat symlink symlinkat mknod mknodat
    getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
    brk mmap munmap mremap mprotect madvise msync mincore mlock mlock2 munlock mlockall munlockall remap_file_pages
    pkey_alloc pkey_free pkey_mprotect mbind get_mempolicy set_mempolicy membarrier
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack restart_syscall pause
    rt_sigqueueinfo rt_tgsigqueueinfo kill tkill tgkill pidfd_open pidfd_send_signal
    nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time times alarm getitimer setitimer
    timer_create timer_settime timer_gettime timer_getoverrun timer_delete
    getpid gettid getppid getpgid getpgrp setpgid getsid setsid getuid geteuid getresuid getgid getegid getresgid getgroups
    setuid setreuid setresuid setfsuid setgid setregid setresgid setfsgid setgroups capget
    clone fork vfork execve execveat exit exit_group wait4 waitid set_tid_address rseq
    futex futex_waitv futex_wake futex_wait futex_requeue set_robust_list get_robust_list
    getrlimit setrlimit prlimit64 getrusage sysinfo uname getcpu getrandom getpriority setpriority ioprio_get
    sched_yield sched_getaffinity sched_setaffinity sched_getscheduler sched_setscheduler sched_getparam sched_setparam
    sched_getattr sched_setattr sched_get_priority_max sched_get_priority_min sched_rr_get_interval
    prctl seccomp arch_prctl personality set_thread_area get_thread_area
    socket socketpair sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg shutdown getsockname getpeername getsockopt setsockopt
";

/// Further calls of builds: attributes of their files.
const BUILDS: &str = "chmod fchmod fchmodat fchmodat2 utimensat chown fchown lchown fchownat";

const LOAD: u16 = 0x20;
const EQUAL: u16 = 0x15;
const GREATER_OR_EQUAL: u16 = 0x35;
const RETURN: u16 = 0x06;
/// The first number of a foreign architecture (x32).
const FOREIGN: u32 = 0x4000_0000;

fn step(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

/// Returns the numbers of these calls; some machines lack some.
pub fn numbers(names: &[&str]) -> impl Iterator<Item = u32> {
    let names: BTreeSet<&str> = names.iter().copied().collect();
    let named = known().filter(|call| names.contains(call.name())).collect::<Vec<_>>();
    named.into_iter().filter_map(|call| u32::try_from(call.id()).ok())
}

/// Returns all calls of this machine that have a name here, in the order of their numbers.
fn known() -> impl Iterator<Item = Sysno> {
    (0..=Sysno::last().id()).filter_map(|number| usize::try_from(number).ok().and_then(Sysno::new))
}

/// Lets only listed calls through; those of a foreign architecture raise SIGSYS.
pub fn program(build: bool) -> BpfProgram {
    let mut names: Vec<&str> = ALWAYS.split_whitespace().collect();
    names.extend(BUILDS.split_whitespace().filter(|_| build));
    let numbers: Vec<u32> = numbers(&names).collect();
    let enosys = libc::SECCOMP_RET_ERRNO | u32::try_from(libc::ENOSYS).unwrap_or_default();
    let mut program = vec![step(LOAD, 0, 0, 0)];
    let mut until = |end: u32, action: u32| {
        program.extend([step(GREATER_OR_EQUAL, 1, 0, end), step(RETURN, 0, 0, action)]);
    };
    // Runs of numbers that are listed, and the gaps between.
    let mut next = 0;
    for (place, number) in numbers.iter().copied().enumerate() {
        if number > next {
            until(number, enosys);
        }
        next = number + 1;
        if numbers.get(place + 1) != Some(&next) {
            until(next, libc::SECCOMP_RET_ALLOW);
        }
    }
    until(FOREIGN, enosys);
    program.push(step(RETURN, 0, 0, libc::SECCOMP_RET_TRAP));
    program
}

/// Puts the calls of [`DECIDED`] to the process outside.
pub fn asking() -> BpfProgram {
    decided(libc::SECCOMP_RET_USER_NOTIF)
}

/// Refuses them, where the system lets them not be put to anybody.
pub fn refusing() -> BpfProgram {
    decided(libc::SECCOMP_RET_ERRNO | u32::try_from(libc::EPERM).unwrap_or_default())
}

fn decided(action: u32) -> BpfProgram {
    let mut program = vec![step(LOAD, 0, 0, 0)];
    for number in numbers(DECIDED) {
        program.extend([step(EQUAL, 0, 1, number), step(RETURN, 0, 0, action)]);
    }
    program.push(step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW));
    program
}

/// Returns the kernel's name of a call.
pub fn name(call: c_long) -> Option<&'static str> {
    usize::try_from(call).ok().and_then(Sysno::new).map(|call| call.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the action of a filter for a call of this number.
    fn action(program: &BpfProgram, number: u32) -> u32 {
        let mut at = 1;
        loop {
            let sock_filter { code, jt, jf, k } = program[at].clone();
            at += 1 + match code {
                RETURN => return k,
                EQUAL => usize::from(if number == k { jt } else { jf }),
                GREATER_OR_EQUAL => usize::from(if number >= k { jt } else { jf }),
                _ => unreachable!(),
            };
        }
    }

    #[test]
    fn every_name_is_one() {
        let known: Vec<&str> = known().map(|call| call.name()).collect();
        for name in ALWAYS.split_whitespace().chain(BUILDS.split_whitespace()) {
            let elsewhere = cfg!(not(target_arch = "x86_64"));
            assert!(elsewhere || known.contains(&name), "{name}");
        }
    }

    #[test]
    fn what_is_listed_is_let_in_and_nothing_else() {
        for build in [false, true] {
            let program = program(build);
            let listed: Vec<&str> =
                ALWAYS.split_whitespace().chain(BUILDS.split_whitespace().filter(|_| build)).collect();
            for call in known() {
                let number = u32::try_from(call.id()).unwrap();
                let allowed = action(&program, number) == libc::SECCOMP_RET_ALLOW;
                assert_eq!(allowed, listed.contains(&call.name()), "{call}");
            }
            let enosys = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
            for unknown in [470, 511, 5000, FOREIGN - 1] {
                assert_eq!(action(&program, unknown), enosys, "{unknown}");
            }
            for foreign in [FOREIGN, FOREIGN + 1, u32::MAX] {
                assert_eq!(action(&program, foreign), libc::SECCOMP_RET_TRAP, "{foreign}");
            }
        }
    }

    #[test]
    fn attributes_are_asked_for_and_nothing_else() {
        let program = asking();
        for call in known() {
            let asked = action(&program, u32::try_from(call.id()).unwrap()) == libc::SECCOMP_RET_USER_NOTIF;
            assert_eq!(asked, DECIDED.contains(&call.name()), "{call}");
        }
    }
}
