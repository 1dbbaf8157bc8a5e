//! One child of a batch: its system calls and marks become facts.

use osmem_ring::{Note, kind};

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

    pub fn system(&mut self, system: &'a System<'a>, step: &Step<'_>, key: &Key) -> Result<(), LogError> {
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

    /// Takes a note; its key was right.
    pub fn note(&mut self, note: Note, line: usize) {
        if !self.say(note.kind, note.first, line) {
            self.facts.push(Fact::Forged);
        }
    }

    /// Takes a mark; false where it makes no sense.
    fn mark(&mut self, body: &str, line: usize) -> bool {
        let (word, value) = body.split_once(' ').map_or((body, Some(0)), |(word, rest)| (word, number(rest)));
        let kind = match (word, body.contains(' ')) {
            ("sequence", true) => kind::SEQUENCE,
            ("op", true) => kind::OP,
            ("program", false) => kind::PROGRAM,
            ("done", false) => kind::PROGRAM_DONE,
            ("end", false) => kind::END,
            // The ring is full, which says nothing.
            ("full", false) => return true,
            _ => return false,
        };
        value.is_some_and(|value| self.say(kind, value, line))
    }

    fn say(&mut self, kind: u64, value: u64, line: usize) -> bool {
        if self.claim.is_none() {
            self.claim = (kind == kind::SEQUENCE).then_some((value, line));
            return self.claim.is_some();
        }
        let mark = match (kind, self.aside, self.ended) {
            (kind::PROGRAM, false, false) => Mark::Program,
            (kind::PROGRAM_DONE, true, false) => Mark::Done,
            (kind::END, false, false) => Mark::End,
            (kind::OP, false, false) => Mark::Op(value),
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
    let plain = *protection == "PROT_READ|PROT_WRITE" && log::telling_flags(flags) == "MAP_PRIVATE|MAP_ANONYMOUS";
    Some(Deed::Mmap { address: pointer(address)?, length: length.parse().ok()?, plain })
}

fn munmap(text: &str) -> Option<Deed> {
    let (address, length) = text.split_once(',')?;
    Some(Deed::Munmap { address: pointer(address)?, length: length.trim_start().parse().ok()? })
}
