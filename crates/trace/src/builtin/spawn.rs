//! Starts a program that is traced from its first instruction on.
#![expect(unsafe_code, reason = "forks, and makes system calls in the child by hand")]

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr::null;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::pipe2;

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
    // SAFETY: `start` passes a plan, whose pointers are valid.
    unsafe { become_program(&*plan.cast::<Plan>()) }
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
    // SAFETY: the child makes system calls only, with what was made ready for it here, which lives until it has become the program or ended.
    let tid = unsafe { libc::clone(child, top.cast(), flags, (&raw const kept.plan).cast_mut().cast()) };
    let tid = Errno::result(tid)?;
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

/// What the child does: it takes its streams, waits until it is traced, sets the filter and becomes the program.
///
/// # Safety
/// In a process of its own, with a plan whose pointers are valid. It neither allocates nor takes a lock, and changes no memory but its
/// stack: that of its maker is the same.
unsafe fn become_program(plan: &Plan) -> ! {
    // SAFETY: system calls with valid arguments; the set of signals is valid whatever its bytes are.
    unsafe {
        // A group of its own: signals from the terminal, or to its group, concern nobody else.
        libc::setpgid(0, 0);
        let mut signals: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut signals);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const signals, std::ptr::null_mut());
        // Rust ignores it, and that would be inherited.
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(libc::SIGPIPE, &raw const action, std::ptr::null_mut());
        for (stream, from) in (0..).zip(plan.streams) {
            if libc::dup2(from, stream) < 0 {
                give_up(plan, 0);
            }
        }
        let mut byte = 0_u8;
        if libc::read(plan.gate, (&raw mut byte).cast(), 1) != 1 {
            libc::_exit(127);
        }
        if plan.filter.len > 0 {
            let set = libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const plan.filter) == 0;
            if !set {
                give_up(plan, 1);
            }
        }
        libc::syscall(libc::SYS_execve, plan.file, plan.arguments, plan.environment, 0, 0, plan.secret);
        give_up(plan, 2)
    }
}

/// Tells the parent at which step it failed, and ends.
///
/// # Safety
/// As for [`become_program`].
unsafe fn give_up(plan: &Plan, step: i32) -> ! {
    let words = [step, Errno::last_raw()];
    // SAFETY: the words are readable.
    unsafe {
        libc::write(plan.report, words.as_ptr().cast(), size_of_val(&words));
        libc::_exit(127)
    }
}
