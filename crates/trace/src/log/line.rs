//! One line of strace's log.

use std::borrow::Cow;

use super::{Reply, System, syntax};
use crate::text::{is_constant, is_signal, is_system_call};

/// A line by itself, before halves are joined.
pub struct Line<'a> {
    pub thread: u32,
    pub at: Option<u64>,
    pub body: Body<'a>,
}

pub enum Body<'a> {
    Complete(System<'a>),
    /// The first half; the second one comes under the number `now`, if that is known to have changed.
    Unfinished {
        system: System<'a>,
        now: Option<u32>,
    },
    Resumed {
        name: &'a str,
        rest: &'a str,
    },
    Signal {
        name: &'a str,
        /// The system call that a filter answered with this signal.
        refused: Option<&'a str>,
    },
    Stopped,
    Exited(i32),
    Killed(&'a str),
    /// Another thread of the process called execve and takes over this thread's number.
    Superseded {
        by: u32,
    },
}

const UNKNOWN: &str = "strace writes no such line";

/// Reads `[thread] [instruction pointer] body`.
pub fn read(text: &str) -> Result<Line<'_>, &'static str> {
    let (thread, text) = match text.find(|letter: char| !letter.is_ascii_digit()) {
        Some(0) => (0, text),
        Some(end) => (text[..end].parse().map_err(|_| "the process id is too large")?, text[end..].trim_start()),
        None => return Err(UNKNOWN),
    };
    let (at, text) = match text.strip_prefix('[').and_then(|text| text.split_once("] ")) {
        Some((digits, text)) if digits.bytes().all(|byte| byte == b'?') => (None, text),
        Some((digits, text)) => (Some(u64::from_str_radix(digits, 16).map_err(|_| UNKNOWN)?), text),
        None => (None, text),
    };
    Ok(Line { thread, at, body: body(text)? })
}

fn body(text: &str) -> Result<Body<'_>, &'static str> {
    if let Some(news) = text.strip_prefix("+++ ") {
        return death(news.strip_suffix(" +++").ok_or(UNKNOWN)?).ok_or(UNKNOWN);
    }
    if let Some(news) = text.strip_prefix("--- ") {
        let news = news.strip_suffix(" ---").ok_or(UNKNOWN)?;
        if news.strip_prefix("stopped by ").is_some_and(is_signal) {
            return Ok(Body::Stopped);
        }
        let name = news.split(' ').next().unwrap_or_default();
        return if is_signal(name) { Ok(Body::Signal { name, refused: refused(news) }) } else { Err(UNKNOWN) };
    }
    if let Some(rest) = text.strip_prefix("<... ") {
        let (name, rest) = rest.split_once(" resumed>").ok_or(UNKNOWN)?;
        return if is_system_call(name) { Ok(Body::Resumed { name, rest }) } else { Err(UNKNOWN) };
    }
    system_call(text)
}

/// The system call that a filter answered with SIGSYS.
fn refused(news: &str) -> Option<&str> {
    let rest = news.strip_prefix("SIGSYS ")?;
    let call = rest.split_once("si_code=SYS_SECCOMP")?.1.split_once("si_syscall=")?.1;
    let end = call.find([',', '}'])?;
    Some(call[..end].trim_start_matches("__NR_"))
}

fn death(news: &str) -> Option<Body<'_>> {
    if let Some(status) = news.strip_prefix("exited with ") {
        return status.parse().ok().map(Body::Exited);
    }
    if let Some(signal) = news.strip_prefix("killed by ") {
        let name = signal.strip_suffix(" (core dumped)").unwrap_or(signal);
        return is_signal(name).then_some(Body::Killed(name));
    }
    let by = news.strip_prefix("superseded by execve in pid ")?.parse().ok()?;
    Some(Body::Superseded { by })
}

fn system_call(text: &str) -> Result<Body<'_>, &'static str> {
    let (name, rest) = text.split_once('(').filter(|(name, _)| is_system_call(name)).ok_or(UNKNOWN)?;
    let half = |arguments, now| {
        let system = System { name, arguments: Cow::Borrowed(arguments), reply: Reply::Never };
        Ok(Body::Unfinished { system, now })
    };
    if let Some(end) = syntax::closing(rest) {
        let arguments = Cow::Borrowed(tidy(&rest[..end]));
        return Ok(Body::Complete(System { name, arguments, reply: reply(&rest[end + 1..])? }));
    }
    if let Some(first) = rest.strip_suffix("<unfinished ...>").or_else(|| rest.strip_suffix("<detached ...>")) {
        return half(tidy(first), None);
    }
    // An execve in another thread than the first: it goes on under the number of the process.
    let (first, now) = rest
        .strip_suffix(" ...>")
        .and_then(|rest| rest.rsplit_once("<pid changed to "))
        .ok_or("the arguments have no end")?;
    half(tidy(first), Some(now.parse().map_err(|_| UNKNOWN)?))
}

/// Arguments without strace's remark that it could not see all of them.
pub fn tidy(arguments: &str) -> &str {
    let mut tidy = arguments.trim_end();
    while let Some(rest) = tidy.strip_suffix("<unfinished ...>") {
        tidy = rest;
    }
    tidy.trim_end()
}

/// Reads ` = RESULT`, what follows the arguments.
pub fn reply(text: &str) -> Result<Reply<'_>, &'static str> {
    const STRANGE: &str = "strace writes no such result";
    let result = text.trim_start().strip_prefix("= ").ok_or("there is no result")?;
    // An explanation in parentheses may follow: (Cannot allocate memory).
    let (result, remark) = match result.as_bytes().windows(2).position(|pair| pair == b" (") {
        Some(at) => (&result[..at], Some(result[at + 2..].strip_suffix(')').ok_or(STRANGE)?)),
        None => (result, None),
    };
    if result == "?" || result == "? <unavailable>" || result.strip_prefix("? ").is_some_and(is_constant) {
        return Ok(Reply::Never);
    }
    if let Some(digits) = result.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).map(Reply::Address).map_err(|_| STRANGE);
    }
    if let Some(name) = result.strip_prefix("-1 ") {
        return if is_constant(name) { Ok(Reply::Failed(name)) } else { Err(STRANGE) };
    }
    if let (Some(number), "-1") = (remark.and_then(|remark| remark.strip_prefix("errno ")), result) {
        return Ok(Reply::Failed(number));
    }
    result.parse().map(Reply::Number).map_err(|_| STRANGE)
}
