//! What a box lets in, and when it ends.

use std::ffi::OsString;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How a box keeps its program in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Namespaces of its own: files, processes, network, System V objects, host name.
    Namespaces,
    /// Landlock on files and signals, where namespaces are forbidden.
    Landlock,
    /// Nothing but limits, and the sweep of what is left running: for those who know what they run.
    None,
}

impl Tier {
    /// Those that keep anything in, the stronger first.
    pub const ALL: [Self; 2] = [Self::Namespaces, Self::Landlock];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Landlock => "landlock",
            Self::None => "none",
        }
    }

    /// What it means, in one sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Namespaces => {
                "namespaces of its own (files, processes, network, IPC), a filter of system calls, and resource limits"
            }
            Self::Landlock => {
                "Landlock on files and signals, a filter of system calls, resource limits, and a sweep of what is left running"
            }
            Self::None => "no box: it ran with all that the grader itself may do, within resource limits",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One program in its box.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Policy {
    /// How it is kept in.
    pub tier: Tier,
    /// The program, absolute, as the box sees it.
    pub program: OsString,
    /// Its arguments, without its name.
    pub args: Vec<OsString>,
    /// All of its environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Where it starts, absolute.
    pub folder: OsString,
    /// Files and folders that it may read and execute, absolute, without links on the way. One that does not exist is left out.
    pub readable: Vec<OsString>,
    /// Files and folders below those that it must not see, absolute, without links on the way. What does not exist is left out.
    pub hidden: Vec<OsString>,
    /// Folders that it may write into as well.
    pub writable: Vec<OsString>,
    /// An empty folder of the caller's, on which a box with namespaces is built.
    pub root: OsString,
    /// A network namespace in which nobody is, see [`crate::host::Network`]; without one each box with namespaces makes its own.
    pub network: Option<OsString>,
    /// The user and group that it runs as, where the caller is root.
    pub user: Option<u32>,
    /// A build: programs of the system run too, some of which look for services of the system and do without.
    pub build: bool,
    /// A system call that the process which becomes the program makes [`Idle::TIMES`] times before, to no effect.
    pub idle: Option<Idle>,
    /// A filter by which a tracer outside learns of system calls; it comes before those of the box, which all the same have the last word.
    pub filter: Option<Vec<Instruction>>,
    /// When to end it.
    pub limits: Limits,
}

/// A system call that can be made to no effect. A tracer may count the calls of each process from its beginning on, and mean one that
/// the program makes; the other processes of a box must not get that far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Idle {
    /// `brk(NULL)`
    Brk,
    /// `mmap` of nothing
    Mmap,
}

impl Idle {
    /// Several times as often as the processes of a box make such calls themselves.
    pub const TIMES: u32 = 100;
}

/// An instruction of a filter of system calls, as the kernel has it: code, two jumps, operand.
pub type Instruction = (u16, u8, u8, u32);

/// When a box is ended. Sizes are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Processor time of each process, in seconds.
    pub cpu: u64,
    /// Memory that all its processes have touched and hold, together.
    pub memory: u64,
    /// Processes and threads at the same time.
    pub processes: u64,
    /// The longest file.
    pub file: u64,
    /// Open files of each process.
    pub open_files: u64,
    /// All that it writes to the folders of [`Policy::writable`]; as much to its own `/tmp`.
    pub disk: u64,
}

/// Exit status of `osmem-box` when there is no box and nothing has run.
pub const NO_BOX: i32 = 125;

/// What `osmem-box` says to whoever wrote the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Message {
    /// The box could not be made, or the program not started.
    Failed(String),
    /// It was ended: this limit was reached.
    Limit(Reached),
}

/// A limit that `osmem-box` itself watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reached {
    /// [`Limits::memory`]
    Memory,
    /// [`Limits::disk`]
    Disk,
    /// [`Limits::processes`], or near to it; of builds the system alone keeps it.
    Processes,
}
