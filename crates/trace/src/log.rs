//! What happened to the threads of a run, step by step; and strace's log, from which it is read: what each line says, the halves of
//! interrupted system calls joined.
//!
//! Read are the lines of `strace -f -i -q -o FILE` as versions 5.x and 6.x write them. Anything else is an error with its
//! line number: guessing would hide a system call.

mod line;
mod syntax;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

use osmem_ring::Note;
use thiserror::Error;

use crate::traced::makes_task;
use line::{Body, Line};
pub use syntax::{arguments, decode, relabel, telling_flags};

/// A line that strace would not write.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {problem}: `{text}`")]
pub struct LogError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: &'static str,
    /// The line, shortened.
    pub text: String,
}

impl LogError {
    /// For a system call whose arguments are not those of the kernel's interface.
    pub(crate) fn strange(line: usize, system: &System<'_>) -> Self {
        let text = format!("{}({})", system.name, system.arguments);
        Self { line, problem: "these are no arguments of this system call", text }
    }
}

/// Something that happened to a thread, in the order of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// Line of the log, counted from 1.
    pub line: usize,
    /// The thread; 0 in a log without that column.
    pub thread: u32,
    /// Where its instruction pointer stood, if strace could tell.
    pub at: Option<u64>,
    /// What happened.
    pub what: What<'a>,
}

/// As strace writes it.
impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<5} ", self.thread)?;
        if let Some(at) = self.at {
            write!(f, "[{at:016x}] ")?;
        }
        match &self.what {
            What::System(System { name, arguments, reply }) => {
                write!(f, "{name}({arguments}) = ")?;
                match reply {
                    Reply::Number(number) => write!(f, "{number}"),
                    Reply::Address(address) => write!(f, "{address:#x}"),
                    Reply::Failed(name) => write!(f, "-1 {name}"),
                    Reply::Never => f.write_str("?"),
                }
            }
            What::Note(Note { kind, first, second }) => write!(f, "note({kind}, {first:#x}, {second:#x})"),
            What::Damaged => f.write_str("note(?)"),
            What::Signal(name) => write!(f, "--- {name} ---"),
            What::Refused(what) => write!(f, "--- refused: {what} ---"),
            What::Exited(status) => write!(f, "+++ exited with {status} +++"),
            What::Killed(name) => write!(f, "+++ killed by {name} +++"),
        }
    }
}

/// What happened to a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What<'a> {
    /// It made a system call.
    System(System<'a>),
    /// It left a note for the tracer.
    Note(Note),
    /// Something that is no note lies where its notes lie.
    Damaged,
    /// A signal reached it.
    Signal(&'a str),
    /// A filter of system calls answered this one with SIGSYS, or the tracer did not let it pass.
    Refused(&'a str),
    /// It, or its process, exited with this status.
    Exited(i32),
    /// This signal killed it.
    Killed(&'a str),
}

/// A system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System<'a> {
    /// `mmap`
    pub name: &'a str,
    /// As written, without the outer parentheses; see [`arguments`].
    pub arguments: Cow<'a, str>,
    /// What the kernel answered.
    pub reply: Reply<'a>,
}

/// The kernel's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// A number.
    Number(i64),
    /// An address, or flags: whatever strace writes in hexadecimal.
    Address(u64),
    /// An error by its name (`ENOMEM`), or by its number where it has none.
    Failed(&'a str),
    /// None: the thread ended, or went back into the call.
    Never,
}

/// Reads a log. `cut` says that strace was stopped: only then may the last line be incomplete.
///
/// A system call that was interrupted in the log stands where it began, unless it gives out an address (a new mapping, a move
/// of the break). One that made a task before its maker was ended in it has that task as its answer.
pub fn read(log: &[u8], cut: bool) -> Result<Vec<Step<'_>>, LogError> {
    let mut joiner = Joiner::default();
    for (index, bytes) in log.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let number = index + 1;
        let wrong = |problem| LogError { line: number, problem, text: shorten(bytes) };
        let Some(bytes) = bytes.strip_suffix(b"\n") else {
            if cut {
                break;
            }
            return Err(wrong("the line is cut off"));
        };
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("strace writes plain text"))?;
        let line = line::read(text).map_err(wrong)?;
        joiner.add(number, line).map_err(wrong)?;
    }
    let mut steps: Vec<_> = joiner.steps.into_iter().flatten().collect();
    answer_for_children(&mut steps);
    Ok(steps)
}

/// Gives a call that made a task, but never came back because its maker ended first, the answer that it would have had: the first task
/// that does something later and that no other call made. Whether a maker still hears of its child is a matter of chance.
fn answer_for_children(steps: &mut [Step<'_>]) {
    let (mut known, mut open) = (HashSet::new(), Vec::new());
    known.extend(steps.first().map(|step| step.thread));
    for (place, step) in steps.iter().enumerate() {
        let What::System(system) = &step.what else { continue };
        match system.reply {
            Reply::Number(task) if makes_task(system.name) => known.extend(u32::try_from(task)),
            Reply::Never if makes_task(system.name) => open.push(place),
            _ => {}
        }
    }
    for maker in open {
        let mut later = steps[maker..].iter().filter(|step| matches!(step.what, What::System(_)));
        let Some(task) = later.find(|step| !known.contains(&step.thread)).map(|step| step.thread) else { continue };
        known.insert(task);
        if let What::System(system) = &mut steps[maker].what {
            system.reply = Reply::Number(task.into());
        }
    }
}

/// Whether the call makes an address mean something new. Between the two halves of such a call another thread may still use
/// the address in its old meaning; so it counts from its second half. Any other call counts from its first half.
fn born_late(name: &str) -> bool {
    matches!(name, "mmap" | "mremap" | "brk")
}

fn shorten(bytes: &[u8]) -> String {
    const LONGEST: usize = 120;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]);
    let dots = if bytes.len() > LONGEST { "…" } else { "" };
    format!("{}{dots}", text.trim_end().escape_debug())
}

/// Joins the halves of interrupted system calls.
#[derive(Default)]
struct Joiner<'a> {
    /// `None` where a first half stood that was written again later.
    steps: Vec<Option<Step<'a>>>,
    /// By thread: where its first half stands in `steps`.
    open: HashMap<u32, usize>,
}

impl<'a> Joiner<'a> {
    fn add(&mut self, number: usize, line: Line<'a>) -> Result<(), &'static str> {
        let step = |what| Some(Step { line: number, thread: line.thread, at: line.at, what });
        match line.body {
            Body::Complete(system) => self.steps.push(step(What::System(system))),
            Body::Signal { name, refused } => {
                self.steps.extend(refused.map(|call| step(What::Refused(call))));
                self.steps.push(step(What::Signal(name)));
            }
            Body::Stopped => {}
            Body::Exited(status) => {
                // Another thread may get the number.
                self.open.remove(&line.thread);
                self.steps.push(step(What::Exited(status)));
            }
            Body::Killed(name) => {
                self.open.remove(&line.thread);
                self.steps.push(step(What::Killed(name)));
            }
            Body::Unfinished { system, now } => {
                if self.open.insert(now.unwrap_or(line.thread), self.steps.len()).is_some() {
                    return Err("the thread is inside another system call");
                }
                self.steps.push(step(What::System(system)));
            }
            Body::Resumed { name, rest } => self.resume(line.thread, name, rest)?,
            Body::Superseded { by } => {
                // An execve in another thread: that one goes on under the number of the process.
                if let Some(half) = self.open.remove(&by) {
                    self.open.insert(line.thread, half);
                }
            }
        }
        Ok(())
    }

    fn resume(&mut self, thread: u32, name: &str, rest: &'a str) -> Result<(), &'static str> {
        const UNKNOWN: &str = "no system call of this thread was interrupted";
        let half = self.open.remove(&thread).ok_or(UNKNOWN)?;
        let Some(Some(Step { what: What::System(system), .. })) = self.steps.get_mut(half) else { return Err(UNKNOWN) };
        if system.name != name {
            return Err("another system call of this thread was interrupted");
        }
        let joined = format!("{}{rest}", system.arguments);
        let first = system.arguments.len();
        let end = syntax::closing(&joined).filter(|end| *end >= first).ok_or("the arguments have no end")?;
        system.reply = line::reply(&rest[end - first + 1..])?;
        system.arguments = Cow::Owned(line::tidy(&joined[..end]).to_string());
        if born_late(name) {
            let step = self.steps[half].take();
            self.steps.push(step);
        }
        Ok(())
    }
}
