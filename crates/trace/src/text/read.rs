//! One line of the text of a trace.

use std::fmt::{self, Display, Formatter};

use crate::model::{Answer, BreakMove, Call, End, Entry, Event, Function, Outcome, Place, Request};

/// What one line of the text holds; a call is still without its events.
pub enum Line {
    Entry(Entry),
    Event(Event),
    End(End),
}

impl Display for Line {
    /// Without the line break.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(Entry::Program(moved)) => write!(f, "{moved}"),
            Self::Entry(Entry::Call(call)) => write!(f, "{call}"),
            Self::Event(event) => write!(f, "  {event}"),
            Self::End(end) => write!(f, "{end}"),
        }
    }
}

/// Reads a line, in more spellings than the one that is right.
pub fn read_line(line: &str) -> Option<Line> {
    if let Some(event) = line.strip_prefix("  ") {
        return read_event(event).map(Line::Event);
    }
    if let Some(status) = line.strip_prefix("exit ") {
        let status = status.parse().ok().filter(|status| (0..256).contains(status));
        return status.map(|status| Line::End(End::Exit(status)));
    }
    if let Some(signal) = line.strip_prefix("killed by ").filter(|name| is_signal(name)) {
        return Some(Line::End(End::Killed(signal.into())));
    }
    let entry = match line.strip_prefix("program: ") {
        Some(moved) => read_move(moved).map(Entry::Program),
        None => read_call(line).map(Entry::Call),
    };
    entry.map(Line::Entry)
}

fn read_move(text: &str) -> Option<BreakMove> {
    let (to, result) = text.strip_prefix("brk(")?.split_once(") = ")?;
    Some(BreakMove { to: read_place(to)?, result: read_place(result)? })
}

fn read_call(text: &str) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    let (arguments, result) = match rest.split_once(") = ") {
        Some((arguments, result)) => (arguments, Some(result)),
        None => (rest.strip_suffix(')')?, None),
    };
    let mut arguments = arguments.split(", ");
    let mut next = || arguments.next();
    let request = match Function::from_name(name)? {
        Function::Malloc => Request::Malloc { size: next()?.parse().ok()? },
        Function::Calloc => Request::Calloc { nmemb: next()?.parse().ok()?, size: next()?.parse().ok()? },
        Function::Realloc => Request::Realloc { pointer: read_place(next()?)?, size: next()?.parse().ok()? },
        Function::Free => Request::Free { pointer: read_place(next()?)? },
    };
    if arguments.next().is_some() {
        return None;
    }
    let result = match (request.function(), result) {
        (_, Some("?")) => Outcome::Never,
        (Function::Free, None) => Outcome::Returned(None),
        (Function::Free, Some(_)) | (_, None) => return None,
        (_, Some(place)) => Outcome::Returned(Some(read_place(place)?)),
    };
    Some(Call { request, events: Vec::new(), result })
}

fn read_event(text: &str) -> Option<Event> {
    if let Some(name) = text.strip_prefix("--- ") {
        let name = name.strip_suffix(" ---").filter(|name| is_signal(name))?;
        return Some(Event::Signal { name: name.into() });
    }
    let (name, rest) = text.split_once('(')?;
    // The last one: a string among the arguments may hold anything, a result cannot.
    let (arguments, result) = rest.rsplit_once(") = ")?;
    let result = read_answer(result)?;
    let list: Vec<&str> = arguments.split(", ").collect();
    match (name, list.as_slice()) {
        ("brk", [to]) => Some(Event::Brk { to: read_place(to)?, result }),
        ("mmap", [address, length, protection, flags, descriptor, offset]) => Some(Event::Mmap {
            address: read_place(address)?,
            length: length.parse().ok()?,
            protection: (*protection).into(),
            flags: (*flags).into(),
            descriptor: descriptor.parse().ok()?,
            offset: match offset.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16).ok()?,
                None => offset.parse().ok()?,
            },
            result,
        }),
        ("munmap", [address, length]) => {
            Some(Event::Munmap { address: read_place(address)?, length: length.parse().ok()?, result })
        }
        ("brk" | "mmap" | "munmap", _) => None,
        _ if is_system_call(name) => Some(Event::Other { name: name.into(), arguments: arguments.into(), result }),
        _ => None,
    }
}

fn read_answer(text: &str) -> Option<Answer> {
    if text == "?" {
        return Some(Answer::Never);
    }
    if text == "PID" {
        return Some(Answer::Process);
    }
    if let Some(name) = text.strip_prefix('-').filter(|name| is_constant(name)) {
        return Some(Answer::Failed(name.into()));
    }
    text.parse().map(Answer::Number).ok().or_else(|| read_place(text).map(Answer::Place))
}

fn read_place(text: &str) -> Option<Place> {
    match text {
        "NULL" => return Some(Place::Null),
        "FOREIGN" => return Some(Place::Foreign),
        _ => {}
    }
    let (base, offset) = match text.split_once("+0x") {
        Some((base, digits)) => (base, u64::from_str_radix(digits, 16).ok()?),
        None => (text, 0),
    };
    if base == "HEAP" {
        return Some(Place::Heap(offset));
    }
    let number = base.strip_prefix("MAP")?.parse().ok().filter(|number| *number > 0)?;
    Some(Place::Map { number, offset })
}

/// `ENOMEM`, `E528`: a name of the kernel's in capitals.
pub(crate) fn is_constant(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// `SIGSEGV`, `SIGRT_2`.
pub(crate) fn is_signal(name: &str) -> bool {
    name.starts_with("SIG") && is_constant(name)
}

/// `mmap`, `syscall_0x1f4`, and strace's `????` for one that it could not see.
pub(crate) fn is_system_call(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'?';
    !name.is_empty() && name.bytes().all(plain)
}
