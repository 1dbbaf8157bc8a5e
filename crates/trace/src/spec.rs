//! What to run, and how: the same for every tracer.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The program. A name without a slash is looked for on the PATH.
    pub program: PathBuf,
    /// Its arguments, without its name.
    pub args: Vec<OsString>,
    /// The library to load as `libosmem.so`; `None` leaves it to the program's own search path.
    pub library: Option<PathBuf>,
    /// `libosmem_probe.so`; used only where the program's own calls are watched.
    pub probe: PathBuf,
    /// Which variables the program sees.
    pub environment: Environment,
    /// When to end it.
    pub limits: Limits,
    /// Whether the kernel lays out the address space at random.
    pub aslr: bool,
    /// Folders that a starter must let the program write to; without one nothing is in its way.
    pub writable: Vec<PathBuf>,
    /// What starts the program in the tracer's stead; `None`: the tracer itself.
    pub starter: Option<Arc<dyn Starter>>,
    /// The CPU to run on, tracer and program together (a stop is about ten times cheaper so); `None`: any.
    pub cpu: Option<usize>,
    /// System calls that are refused.
    pub refuse: Option<Refusal>,
}

impl Spec {
    /// A program without arguments that finds its library by itself, in a pinned environment and with the usual limits.
    pub fn new(program: impl Into<PathBuf>, probe: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            library: None,
            probe: probe.into(),
            environment: Environment::Pinned,
            limits: Limits::default(),
            aslr: true,
            writable: Vec::new(),
            starter: None,
            cpu: None,
            refuse: None,
        }
    }
}

/// Memory calls of the program, after the probe's first mark, that are refused as the kernel refuses them: a `brk` leaves the break
/// where it is, an `mmap` fails with ENOMEM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which call.
    pub call: Refused,
    /// The number of the first that is refused, counted from 1 and over all threads of the program; queries of the break count.
    pub first: u32,
    /// All later ones, too.
    pub later: bool,
}

/// A system call that can be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// `brk`
    Brk,
    /// `mmap`
    Mmap,
}

impl Refused {
    /// As the kernel calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brk => "brk",
            Self::Mmap => "mmap",
        }
    }
}

/// Something that starts a traced program, a box for instance: its own system calls, and those of the processes it makes on the
/// way, are no part of what is recorded.
pub trait Starter: fmt::Debug + Send + Sync {
    /// Where a tracer's log may lie, in a private folder of its own.
    fn folder(&self) -> &Path;

    /// Prepares for one run of a program.
    fn start(&self, program: &Start<'_>) -> io::Result<Started>;
}

/// A program to be started.
#[derive(Debug)]
pub struct Start<'a> {
    /// The program, absolute.
    pub program: &'a Path,
    /// Its arguments, without its name.
    pub args: &'a [OsString],
    /// The probe, where there is to be one.
    pub probe: Option<&'a Path>,
    /// The library to load as `libosmem.so`.
    pub library: Option<&'a Path>,
    /// Folders that it must be able to write to.
    pub writable: &'a [PathBuf],
    /// Variables that must be set, those of [`Environment::Pinned`] among them.
    pub variables: Vec<(&'static str, OsString)>,
    /// A filter of system calls by which the tracer learns of them, to be set before the program starts and before any other filter.
    pub filter: Option<&'a [Instruction]>,
    /// A call that the thread which becomes the program must make a hundred times before, to no effect: strace refuses the n-th of any
    /// thread, and n has to be so high that no other process of the starter's gets there.
    pub idle: Option<Refused>,
}

/// An instruction of a filter of system calls, as the kernel has it: code, two jumps, operand.
pub type Instruction = (u16, u8, u8, u32);

/// How a program is started.
pub struct Started {
    /// The command that the tracer runs: its first process does not become the program, a process of its making does.
    pub command: Vec<OsString>,
    /// Its standard input.
    pub input: OwnedFd,
    /// Ends the program, and all that it made.
    pub stop: Ask,
    /// Asked when all is over: why the run says nothing about the program, or which limit ended it.
    pub finish: Box<dyn FnOnce() -> Finish + Send>,
}

/// Asks whatever started the program to end it, with all that it made.
pub type Ask = Box<dyn FnOnce() + Send>;

/// How a start came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The program ran.
    Ran,
    /// The starter ended it: this limit was reached.
    Limit(&'static str),
    /// It never ran.
    Failed(String),
}

/// Which variables a traced program sees, besides those that load the probe and the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// A short fixed list: what someone has set must not change a verdict.
    Pinned,
    /// All that we see.
    Inherited,
}

/// When to end a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time that the run uses: of processors, and asleep. What it waits for a processor or for its tracer does not count.
    pub time: Duration,
    /// How many times as long a busy machine may take for it.
    pub patience: u32,
    /// Bytes of the tracer's log. The built-in tracer, which writes none, counts what a line of such a log usually has.
    pub log: u64,
    /// Bytes that the program writes to standard output, and as many to standard error.
    pub output: u64,
    /// How many of the last bytes of each are kept.
    pub tail: usize,
    /// Bytes of memory that all traced processes together may have touched and hold. Only the built-in tracer looks at it.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(10),
            patience: 20,
            log: 32 << 20,
            output: 16 << 20,
            tail: 16 << 10,
            memory: 4 << 30,
        }
    }
}

/// Why we ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// [`Limits::time`] was over.
    Timeout,
    /// The machine was too busy to let it use [`Limits::time`]; see [`Limits::patience`].
    Starved,
    /// [`Limits::log`] was reached.
    LogLimit,
    /// [`Limits::output`] was reached.
    OutputLimit,
    /// [`Limits::memory`] was reached.
    MemoryLimit,
    /// [`Cancel::cancel`] was called.
    Cancelled,
    /// What started the program ended it too, for this limit.
    Starter(&'static str),
}

/// A flag that ends runs early; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Not yet cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends all runs that watch this flag, those to come too.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`Cancel::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
