//! A trace as text, and back.
//!
//! One line for each call, its system calls below it, indented by two spaces; the last line tells the end. A value has
//! exactly one text: reading rejects every other spelling. Lines that begin with `#` are comments. [`Reader`] reads a text piece by
//! piece, `FromStr` a whole one.

mod read;
mod reader;

use std::fmt::{self, Display, Formatter, Write as _};

use crate::model::{Answer, BreakMove, Call, End, Entry, Event, Function, Outcome, Place, Request, Trace};

pub(crate) use read::{is_constant, is_signal, is_system_call};
pub use reader::{Item, ReadError, Reader, TextError};

impl Display for Trace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.entries.iter().try_for_each(|entry| write!(f, "{entry}"))?;
        writeln!(f, "{}", self.end)
    }
}

impl Display for Entry {
    /// Whole lines, each with its line break.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(moved) => writeln!(f, "{moved}"),
            Self::Call(call) => {
                writeln!(f, "{call}")?;
                call.events.iter().try_for_each(|event| writeln!(f, "  {event}"))
            }
        }
    }
}

impl Display for BreakMove {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "program: brk({}) = {}", self.to, self.result)
    }
}

impl Display for Call {
    /// The first line only, without the events.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.request)?;
        match self.result {
            Outcome::Returned(Some(place)) => write!(f, " = {place}"),
            Outcome::Returned(None) => Ok(()),
            Outcome::Never => f.write_str(" = ?"),
        }
    }
}

impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Display for Request {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = self.function();
        match self {
            Self::Malloc { size } => write!(f, "{name}({size})"),
            Self::Calloc { nmemb, size } => write!(f, "{name}({nmemb}, {size})"),
            Self::Realloc { pointer, size } => write!(f, "{name}({pointer}, {size})"),
            Self::Free { pointer } => write!(f, "{name}({pointer})"),
        }
    }
}

impl Display for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Brk { to, result } => write!(f, "brk({to}) = {result}"),
            Self::Mmap { address, length, protection, flags, descriptor, offset, result } => {
                write!(f, "mmap({address}, {length}, {protection}, {flags}, {descriptor}, ")?;
                // As strace writes it: 0 without a prefix, anything else in hexadecimal.
                if *offset == 0 { f.write_char('0') } else { write!(f, "{offset:#x}") }?;
                write!(f, ") = {result}")
            }
            Self::Munmap { address, length, result } => write!(f, "munmap({address}, {length}) = {result}"),
            Self::Other { name, arguments, result } => write!(f, "{name}({arguments}) = {result}"),
            Self::Signal { name } => write!(f, "--- {name} ---"),
        }
    }
}

impl Display for Answer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(place) => write!(f, "{place}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Process => f.write_str("PID"),
            Self::Failed(name) => write!(f, "-{name}"),
            Self::Never => f.write_str("?"),
        }
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let offset = match *self {
            Self::Null => return f.write_str("NULL"),
            Self::Foreign => return f.write_str("FOREIGN"),
            Self::Heap(offset) => {
                f.write_str("HEAP")?;
                offset
            }
            Self::Map { number, offset } => {
                write!(f, "MAP{number}")?;
                offset
            }
        };
        if offset == 0 { Ok(()) } else { write!(f, "+{offset:#x}") }
    }
}

impl Display for End {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(status) => write!(f, "exit {status}"),
            Self::Killed(signal) => write!(f, "killed by {signal}"),
        }
    }
}
