//! A run as it was seen: the calls, what each asked of the system, and how it all ended.

use crate::call::{Address, Request, System};

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A call.
    Call(Call),
    /// The program itself, outside any call, moved the break here (R16).
    Program(Address),
}

/// One call with what happened in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The function and its arguments.
    pub request: Request,
    /// The system calls inside, in order.
    pub asked: Vec<System>,
    /// What it gave back, [`NULL`](crate::call::NULL) for `os_free`; `None`: it never returned.
    pub result: Option<Address>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// As the program wanted, and all that it verified was right (or it verifies nothing).
    Fine,
    /// The program found something wrong with its memory and ended itself.
    Check(Check),
    /// A signal ended it.
    Crash(String),
    /// It did not end in time.
    Timeout,
    /// It went over another limit: output, or system calls.
    Limit,
    /// Something other than the program ended it.
    EarlyExit,
    /// Something wrote marks that the probe did not make.
    Forged,
}

/// What a program can find wrong with the memory that it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// An address is not a multiple of 8.
    Misaligned,
    /// A block overlaps another live one.
    Overlap,
    /// A byte of calloc's is not zero.
    NotZero,
    /// realloc did not keep what it must keep.
    Lost,
    /// A live block was written into by somebody else.
    Written,
    /// The program's own part of the break was written into.
    ForeignWritten,
    /// errno is not as it must be.
    Errno,
    /// Anything else that the program expected.
    Other,
}

/// A whole run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What to call it.
    pub name: String,
    /// Where the break stood before the first call.
    pub brk: Address,
    /// In order.
    pub steps: Vec<Step>,
    /// How it ended.
    pub end: End,
    /// Set if the C library's own allocator made a system call inside a call; `None` if no tracer looked for origins.
    pub by_c_library: Option<bool>,
}

impl Run {
    /// Its calls.
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = &Call> {
        self.steps.iter().filter_map(|step| match step {
            Step::Call(call) => Some(call),
            Step::Program(_) => None,
        })
    }
}

/// The end of a run that is not fine, with the call that it came in or after.
#[derive(Clone, Copy, Debug)]
pub struct Trouble<'a> {
    /// How it ended.
    pub end: &'a End,
    /// The last call.
    pub request: Request,
    /// What it asked of the system.
    pub asked: &'a [System],
    /// Whether that call never returned.
    pub inside: bool,
    /// Whether the run went over a limit and made system calls that are none of an allocator's business.
    pub other_calls: bool,
}
