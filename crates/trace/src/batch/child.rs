//! One child of a batch: its system calls and marks become facts.

use super::{Fact, Mark};
use crate::label::{address, is_query, pointer};
use crate::log::{self, LogError, Reply, Step, System};
use crate::mark::{self, Key};

/// A child of the program.
pub struct Child<'a> {
    /// Its first thread.
    pub process: u32,
    /// The sequence that it says it plays, and the line where it does.
    pub claim: Option<(u64, usize)>,
    /// The break when it was forked.
    pub heap: Option<u64>,
    pub facts: Vec<Fact<'a>>,
    /// Where its break is, once known.
    now: Option<u64>,
    /// Between `program` and `done`.
    aside: bool,
    /// After `end`.
    ended: bool,
}

impl<'a> Child<'a> {
    pub fn new(process: u32, heap: Option<u64>) -> Self {
        Self { process, claim: None, heap, facts: Vec::new(), now: heap, aside: false, ended: false }
    }

    pub fn system(&mut self, system: &System<'a>, step: &Step<'_>, key: &Key) -> Result<(), LogError> {
        if let Some(text) = mark::to_nowhere(system) {
            let known = key.body(text).is_some_and(|body| self.mark(body, step.line));
            if !known {
                self.facts.push(Fact::Forged);
            }
            return Ok(());
        }
        let fact = match deed(system, step.line)? {
            Deed::Brk(to) => {
                let (before, now) = (self.now, address(system.reply));
                self.now = now.or(before);
                if is_query(to, before) {
                    return Ok(());
                }
                Fact::Brk { to, now }
            }
            Deed::Mmap { address: at, length, plain } => {
                Fact::Mmap { address: at, length, plain, start: address(system.reply) }
            }
            Deed::Munmap { address, length } => Fact::Munmap { address, length, ok: system.reply == Reply::Number(0) },
            Deed::Leave => return Ok(()),
            Deed::Other => Fact::Other { name: system.name },
        };
        self.facts.push(fact);
        Ok(())
    }

    /// Takes a mark; false where it makes no sense.
    fn mark(&mut self, body: &str, line: usize) -> bool {
        if self.claim.is_none() {
            self.claim = body.strip_prefix("sequence ").and_then(number).map(|number| (number, line));
            return self.claim.is_some();
        }
        let mark = match (body, self.aside, self.ended) {
            ("program", false, false) => Mark::Program,
            ("done", true, false) => Mark::Done,
            ("end", false, false) => Mark::End,
            (body, false, false) => match body.strip_prefix("op ").and_then(number) {
                Some(number) => Mark::Op(number),
                None => return false,
            },
            _ => return false,
        };
        self.aside = mark == Mark::Program;
        self.ended = mark == Mark::End;
        self.facts.push(Fact::Mark(mark));
        true
    }
}

/// A number as the program writes it: digits alone.
fn number(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// What a system call asks for.
pub enum Deed {
    Brk(u64),
    Mmap {
        address: u64,
        length: u64,
        plain: bool,
    },
    Munmap {
        address: u64,
        length: u64,
    },
    /// The thread or the process ends itself.
    Leave,
    Other,
}

/// Reads the arguments of a system call that stands on `line`.
pub fn deed(system: &System<'_>, line: usize) -> Result<Deed, LogError> {
    let text = &*system.arguments;
    let deed = match system.name {
        "brk" => pointer(text).map(Deed::Brk),
        "mmap" => mmap(text),
        "munmap" => munmap(text),
        "exit" | "exit_group" => Some(Deed::Leave),
        _ => Some(Deed::Other),
    };
    deed.ok_or_else(|| LogError::strange(line, system))
}

fn mmap(text: &str) -> Option<Deed> {
    let list = log::arguments(text);
    let [address, length, protection, flags, _, _] = list.as_slice() else { return None };
    let plain = *protection == "PROT_READ|PROT_WRITE" && *flags == "MAP_PRIVATE|MAP_ANONYMOUS";
    Some(Deed::Mmap { address: pointer(address)?, length: length.parse().ok()?, plain })
}

fn munmap(text: &str) -> Option<Deed> {
    let (address, length) = text.split_once(',')?;
    Some(Deed::Munmap { address: pointer(address)?, length: length.trim_start().parse().ok()? })
}
