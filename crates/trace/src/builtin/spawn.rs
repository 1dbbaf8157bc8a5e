//! Starts a program that is traced from its first instruction on.
#![expect(unsafe_code, reason = "forks, and makes system calls in the child by hand")]

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr::null;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::unistd::pipe2;
use syscalls::{Sysno, syscall};

use super::kernel::{self, Tid};
use crate::spec::Instruction;

/// A program to be started.
pub struct Program<'a> {
    /// Its file.
    pub file: &'a OsStr,
    /// All its arguments, its name first.
    pub arguments: Vec<OsString>,
    /// All of its environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Its standard input.
    pub input: OwnedFd,
    /// Its standard output.
    pub output: OwnedFd,
    /// Its standard error.
    pub errors: OwnedFd,
    /// The filter of system calls that it starts with.
    pub filter: Option<&'a [Instruction]>,
    /// What lets its start pass the filter.
    pub secret: u64,
}

/// A child that was started, but has not become the program yet.
///
/// To be dropped only when the child has become the program or ended.
pub struct Child {
    /// Its number; it belongs to the thread that started it.
    pub tid: Tid,
    report: File,
    _kept: Box<Kept>,
}

/// Bytes of the stack of a child.
const STACK: usize = 16 << 10;

/// What a child uses until it becomes the program.
struct Kept {
    plan: Plan,
    /// What the plan points to.
    #[expect(clippy::type_complexity, reason = "nobody looks at it again")]
    _text: (
        CString,
        Vec<CString>,
        Vec<CString>,
        Vec<*const libc::c_char>,
        Vec<*const libc::c_char>,
        Vec<libc::sock_filter>,
    ),
    stack: Vec<u8>,
}

/// Where a child begins.
extern "C" fn child(plan: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `start` passes a plan, whose pointers are valid, and blocks all signals.
    unsafe {
        let plan = &*plan.cast::<Plan>();
        let Err((step, error)) = become_program(plan);
        give_up(plan, step, error)
    }
}

/// Why a program could not be started.
#[derive(Debug)]
pub enum StartError {
    /// It must not be traced.
    NotTraced(Errno),
    /// Something else.
    Failed(io::Error),
}

impl<E: Into<io::Error>> From<E> for StartError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What a child could not do before it became the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Standard streams and signals.
    Streams,
    /// The filter.
    Filter,
    /// The program itself.
    Program,
}

/// Starts a program, with these options for its tracer, which is the calling thread.
pub fn start(program: Program<'_>, options: i32) -> Result<Child, StartError> {
    let text = |text: &OsStr| CString::new(text.as_bytes()).map_err(io::Error::other);
    let file = text(program.file)?;
    let arguments: Vec<CString> = program.arguments.iter().map(|word| text(word)).collect::<Result<_, _>>()?;
    let mut environment = Vec::with_capacity(program.environment.len());
    for (name, value) in &program.environment {
        let mut setting = name.clone();
        setting.push("=");
        setting.push(value);
        environment.push(text(&setting)?);
    }
    let list = |words: &[CString]| words.iter().map(|word| word.as_ptr()).chain([null()]).collect::<Vec<_>>();
    let (arguments_list, environment_list) = (list(&arguments), list(&environment));
    let filter: Vec<libc::sock_filter> = program
        .filter
        .unwrap_or_default()
        .iter()
        .map(|&(code, jt, jf, k)| libc::sock_filter { code, jt, jf, k })
        .collect();
    let (gate, opens) = pipe2(OFlag::O_CLOEXEC)?;
    let (report, reports) = pipe2(OFlag::O_CLOEXEC)?;
    let mut kept = Box::new(Kept {
        plan: Plan {
            file: file.as_ptr(),
            arguments: arguments_list.as_ptr(),
            environment: environment_list.as_ptr(),
            streams: [program.input.as_raw_fd(), program.output.as_raw_fd(), program.errors.as_raw_fd()],
            gate: gate.as_raw_fd(),
            report: reports.as_raw_fd(),
            filter: libc::sock_fprog {
                len: u16::try_from(filter.len()).unwrap_or(0),
                filter: filter.as_ptr().cast_mut(),
            },
            secret: program.secret,
        },
        _text: (file, arguments, environment, arguments_list, environment_list, filter),
        stack: vec![0; STACK],
    });
    // SAFETY: one byte behind the last of the stack, rounded down as the machine wants it.
    let top = unsafe { kept.stack.as_mut_ptr().add(STACK) };
    let top = top.wrapping_sub(top.addr() % 16);
    // Without a copy of our memory, which would take longer than all else: the child works in ours, on a stack of its own, until it becomes
    // the program.
    let flags = libc::CLONE_VM | libc::SIGCHLD;
    // A handler that ran in the child would work in our memory: signals wait until the child has removed all handlers.
    let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    // SAFETY: the child makes system calls only, with what was made ready for it here, which lives until it has become the program or ended.
    let tid = unsafe { libc::clone(child, top.cast(), flags, (&raw const kept.plan).cast_mut().cast()) };
    let tid = Errno::result(tid);
    mask.thread_set_mask()?;
    let tid = tid?;
    drop((gate, reports));
    let give_up = |error: StartError| {
        // SAFETY: a child that was not waited for yet: the number is still its own.
        unsafe { libc::kill(tid, libc::SIGKILL) };
        kernel::reap(tid);
        error
    };
    kernel::seize(tid, options).map_err(|errno| give_up(StartError::NotTraced(errno)))?;
    File::from(opens).write_all(&[0]).map_err(|error| give_up(error.into()))?;
    Ok(Child { tid, report: report.into(), _kept: kept })
}

impl Child {
    /// Once it has ended or become the program: why it could not become it.
    pub fn failure(mut self) -> Option<(Step, io::Error)> {
        let mut words = [0; 8];
        self.report.read_exact(&mut words).ok()?;
        let [step, error] =
            [0, 4].map(|at| i32::from_ne_bytes([words[at], words[at + 1], words[at + 2], words[at + 3]]));
        let step = match step {
            0 => Step::Streams,
            1 => Step::Filter,
            _ => Step::Program,
        };
        Some((step, io::Error::from_raw_os_error(error)))
    }
}

/// What the child needs, as plain numbers and pointers.
struct Plan {
    file: *const libc::c_char,
    arguments: *const *const libc::c_char,
    environment: *const *const libc::c_char,
    streams: [i32; 3],
    gate: i32,
    report: i32,
    filter: libc::sock_fprog,
    secret: u64,
}

/// Takes the streams, waits until the child is traced, sets the filter and becomes the program. Returns the step that failed, and why.
///
/// Its system calls bypass the C library, which would leave their errors in `errno`: child and maker share one.
///
/// # Safety
/// In a process of its own with all signals blocked, with a plan whose pointers are valid. It neither allocates nor takes a lock, and
/// changes no memory but its stack: that of its maker is the same.
unsafe fn become_program(plan: &Plan) -> Result<Infallible, (Step, syscalls::Errno)> {
    let streams = |error| (Step::Streams, error);
    let filter = |error| (Step::Filter, error);
    // SAFETY: system calls with valid arguments.
    unsafe {
        // A group of its own: signals from the terminal, or to the group of the tracer, pass it by.
        syscall!(Sysno::setpgid, 0, 0).map_err(streams)?;
        reset_signals().map_err(streams)?;
        for (stream, from) in (0..).zip(plan.streams) {
            syscall!(Sysno::dup3, from, stream, 0).map_err(streams)?;
        }
        let mut byte = 0_u8;
        if syscall!(Sysno::read, plan.gate, &raw mut byte, 1) != Ok(1) {
            leave();
        }
        if plan.filter.len > 0 {
            syscall!(Sysno::prctl, libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0).map_err(filter)?;
            syscall!(Sysno::prctl, libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const plan.filter)
                .map_err(filter)?;
        }
        match syscall!(Sysno::execve, plan.file, plan.arguments, plan.environment, 0, 0, plan.secret) {
            Ok(_) => leave(),
            Err(error) => Err((Step::Program, error)),
        }
    }
}

/// The action of a signal, in the kernel's own layout.
#[repr(C)]
#[derive(Clone, Copy)]
struct Action {
    handler: usize,
    flags: libc::c_ulong,
    restorer: usize,
    mask: u64,
}

/// Removes every handler, which would run in the memory of the maker, and lets all signals in.
///
/// # Safety
/// As for [`become_program`].
unsafe fn reset_signals() -> Result<(), syscalls::Errno> {
    const LAST: i32 = 64;
    let default = Action { handler: libc::SIG_DFL, flags: 0, restorer: 0, mask: 0 };
    let none = 0_u64;
    // SAFETY: the actions and the set are as the kernel wants them, on the stack.
    unsafe {
        for signal in 1..=LAST {
            let mut old = default;
            syscall!(Sysno::rt_sigaction, signal, 0, &raw mut old, size_of_val(&none))?;
            // Rust ignores SIGPIPE, and that would be inherited.
            if !matches!(old.handler, libc::SIG_DFL | libc::SIG_IGN) || signal == libc::SIGPIPE {
                syscall!(Sysno::rt_sigaction, signal, &raw const default, 0, size_of_val(&none))?;
            }
        }
        syscall!(Sysno::rt_sigprocmask, libc::SIG_SETMASK, &raw const none, 0, size_of_val(&none))?;
    }
    Ok(())
}

/// Tells the parent at which step the child failed, and ends it.
///
/// # Safety
/// As for [`become_program`].
unsafe fn give_up(plan: &Plan, step: Step, error: syscalls::Errno) -> ! {
    let words = [step as i32, error.into_raw()];
    // SAFETY: the words are readable.
    unsafe {
        // The parent may have ended.
        let _ = syscall!(Sysno::write, plan.report, words.as_ptr(), size_of_val(&words));
        leave()
    }
}

/// Ends the child.
///
/// # Safety
/// As for [`become_program`].
unsafe fn leave() -> ! {
    loop {
        // SAFETY: takes any status.
        let _ = unsafe { syscall!(Sysno::exit_group, 127) };
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// An error that nothing here runs into.
    const KEPT: i32 = libc::EXDEV;

    /// A program that does not exist.
    fn absent(filter: Option<&[Instruction]>) -> Program<'_> {
        let null = || File::open("/dev/null").unwrap().into();
        Program {
            file: OsStr::new("/dev/null/nothing"),
            arguments: vec!["nothing".into()],
            environment: Vec::new(),
            input: null(),
            output: null(),
            errors: null(),
            filter,
            secret: 2,
        }
    }

    #[test]
    fn a_child_that_fails_leaves_the_errno_of_its_maker_alone() {
        let cases: [(Option<&[Instruction]>, _); 2] =
            [(None, (Step::Program, libc::ENOTDIR)), (Some(&[(0xffff, 0, 0, 0)]), (Step::Filter, libc::EINVAL))];
        for (filter, expected) in cases {
            let program = absent(filter);
            Errno::set_raw(KEPT);
            let child = start(program, 0).unwrap();
            let tid = child.tid;
            let (step, error) = child.failure().unwrap();
            let errno = Errno::last_raw();
            kernel::reap(tid);
            assert_eq!((step, error.raw_os_error()), (expected.0, Some(expected.1)));
            assert_eq!(errno, KEPT, "the error of the child's step {step:?} is seen by its maker");
        }
    }

    #[test]
    fn no_signal_runs_a_handler_of_the_maker_in_a_child() {
        let blocked = SigSet::thread_get_mask().unwrap();
        let child = start(absent(None), libc::PTRACE_O_TRACEEXIT | libc::PTRACE_O_EXITKILL).unwrap();
        assert_eq!(SigSet::thread_get_mask().unwrap(), blocked);
        let tid = child.tid;
        assert!(child.failure().is_some());
        // It stands at its end, as it was before.
        let stop = kernel::News::Stopped(libc::SIGTRAP, libc::PTRACE_EVENT_EXIT);
        assert_eq!(kernel::wait(|| false).unwrap(), Some((tid, stop)));
        let signals = |of: &str, kind: &str| {
            let status = fs::read_to_string(format!("/proc/{of}/status")).unwrap();
            let word = status.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix(':')).unwrap();
            u64::from_str_radix(word.trim(), 16).unwrap()
        };
        let of = tid.to_string();
        let (caught, blocked) = (signals(&of, "SigCgt"), signals(&of, "SigBlk"));
        kernel::go_on(tid, kernel::Onward::Run, 0).unwrap();
        kernel::reap(tid);
        assert_eq!((caught, blocked), (0, 0));
        // Rust's own handlers, so that there was something to reset.
        assert_ne!(signals("self", "SigCgt"), 0);
    }
}
