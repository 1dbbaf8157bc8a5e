//! The log of a program that plays many sequences of calls, each in a child of its own.
//!
//! Such a program makes its own marks, written as the probe writes them (`write(-1, "KEY BODY", …)`), but with bodies of its own:
//!
//! | body | who, when |
//! |---|---|
//! | `ready 0x7f10` | the program itself, before it forks the first child; where its ring of notes lies |
//! | `sequence 7` | a child first of all: it plays sequence 7 |
//! | `op 3` | a child, before operation 3 of its sequence |
//! | `program`, `done` | a child, around a move of the break that is not the allocator's |
//! | `end` | a child, after its last operation |
//! | `over` | the program itself, when all children have ended |
//!
//! Where the tracer reads notes, what a child says is noted (see `docs/design.md`), but for `full`, which says that the ring is full.
//!
//! What a child did is given as plain facts in order, with addresses as they are: thousands of sequences are judged from one
//! log, so this pass neither labels nor renders. It is recorded with [`crate::run::Watch::Marks`], without instruction pointers:
//! whoever knows the key can forge a mark, and only marks out of order are told.

mod child;

use std::collections::{BTreeMap, HashMap};

use crate::label::{address, is_query};
use crate::log::{LogError, Reply, Step, System, What};
use crate::mark::{self, Key};
use crate::model::End;
use crate::traced::makes_task;
use child::{Child, Deed};

/// What the log of a batch says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch<'a> {
    /// The program wrote `ready`.
    pub ready: bool,
    /// The program wrote `over`.
    pub over: bool,
    /// Moves of the break before `ready`: by the program, its libraries and their constructors.
    pub moves: Vec<Move>,
    /// The break at `ready`, if the log tells.
    pub heap: Option<u64>,
    /// By the number that the child gave.
    pub sequences: BTreeMap<u64, Sequence<'a>>,
    /// Lines of the log where the program itself wrote to descriptor -1 what it would not write there, or became another
    /// program, and where a child claimed a sequence that another one had claimed.
    pub forged: Vec<usize>,
    /// How the program ended; `None`: the log does not say.
    pub end: Option<End>,
}

/// A `brk` that changed the break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// The break before.
    pub from: u64,
    /// The break asked for.
    pub to: u64,
    /// The break afterwards.
    pub now: u64,
}

/// What a child did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence<'a> {
    /// Line of the log where its mark `sequence` stands, counted from 1.
    pub line: usize,
    /// The break when the child was forked, if the log tells.
    pub heap: Option<u64>,
    /// By all threads of the child, in order; those before its mark `sequence` too.
    pub facts: Vec<Fact<'a>>,
}

/// Something that a child did, or that happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact<'a> {
    /// A mark in its place.
    Mark(Mark),
    /// A request to move the break, also a refused one. Queries are no facts.
    Brk {
        /// The break asked for.
        to: u64,
        /// The break afterwards, if there was an answer.
        now: Option<u64>,
    },
    /// A request for a mapping.
    Mmap {
        /// The address asked for; 0: none.
        address: u64,
        /// In bytes.
        length: u64,
        /// Exactly PROT_READ|PROT_WRITE and MAP_PRIVATE|MAP_ANONYMOUS, flags aside that do not change what is mapped (O8).
        plain: bool,
        /// `None`: it was refused, or never answered.
        start: Option<u64>,
    },
    /// The end of a mapping.
    Munmap {
        /// Where.
        address: u64,
        /// In bytes.
        length: u64,
        /// It was answered with 0.
        ok: bool,
    },
    /// Any other traced system call, except those that end a thread or the process.
    Other {
        /// `mremap`
        name: &'a str,
    },
    /// A signal reached a thread.
    Signal(&'a str),
    /// A write to descriptor -1 that is none of the marks above, or a mark out of order.
    Forged,
    /// The child exited with this status.
    Exited(i32),
    /// This signal killed it.
    Killed(&'a str),
}

/// What a child says after its mark `sequence`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The operation of this number begins.
    Op(u64),
    /// The program itself moves the break.
    Program,
    /// It has done so.
    Done,
    /// The last operation has returned.
    End,
}

/// Reads the steps of a batch. Fails at arguments that are not those of the system call. What is missing (a
/// sequence, a mark, an end) is no error: the library under test may be the reason.
pub fn read<'a>(steps: &'a [Step<'a>], key: &Key) -> Result<Batch<'a>, LogError> {
    let mut reader = Reader::default();
    for step in steps {
        reader.step(step, key)?;
    }
    Ok(reader.finish())
}

/// The process that a thread belongs to.
#[derive(Clone, Copy)]
enum Whose {
    Program,
    /// By its place in [`Reader::children`].
    Child(usize),
}

#[derive(Default)]
struct Reader<'a> {
    batch: Batch<'a>,
    /// The first thread of the log: the program.
    process: Option<u32>,
    /// Where the program's break is, once known.
    now: Option<u64>,
    children: Vec<Child<'a>>,
    /// The threads alive of the program and its children. Other processes (a child's own children) do not count.
    threads: HashMap<u32, Whose>,
    /// The thread of the last step: most steps are the same thread's as the one before.
    last: Option<(u32, Whose)>,
}

impl<'a> Reader<'a> {
    fn step(&mut self, step: &'a Step<'a>, key: &Key) -> Result<(), LogError> {
        if self.process.is_none() {
            self.process = Some(step.thread);
            self.threads.insert(step.thread, Whose::Program);
        }
        let whose = match self.last {
            Some((thread, whose)) if thread == step.thread => whose,
            _ => {
                let Some(&whose) = self.threads.get(&step.thread) else { return Ok(()) };
                self.last = Some((step.thread, whose));
                whose
            }
        };
        match &step.what {
            What::System(system) => {
                self.made(system, whose);
                match whose {
                    Whose::Program => self.program(system, step, key)?,
                    Whose::Child(at) => self.children[at].system(system, step, key)?,
                }
            }
            What::Note(note) => match whose {
                Whose::Program => self.batch.forged.push(step.line),
                Whose::Child(at) => self.children[at].note(*note, step.line),
            },
            What::Damaged => match whose {
                Whose::Program => self.batch.forged.push(step.line),
                Whose::Child(at) => self.children[at].facts.push(Fact::Forged),
            },
            What::Signal(name) => {
                if let Whose::Child(at) = whose {
                    self.children[at].facts.push(Fact::Signal(name));
                }
            }
            What::Refused(_) => {}
            What::Exited(_) | What::Killed(_) => {
                // Its number may be given out again.
                self.threads.remove(&step.thread);
                self.last = None;
                self.ended(step, whose);
            }
        }
        Ok(())
    }

    /// Notes the thread or child that a system call made.
    fn made(&mut self, system: &System<'a>, maker: Whose) {
        let (true, Reply::Number(id)) = (makes_task(system.name), system.reply) else { return };
        let Ok(id) = u32::try_from(id) else { return };
        if system.arguments.contains("CLONE_THREAD") {
            self.threads.insert(id, maker);
        } else if let (Whose::Program, true, false) = (maker, self.batch.ready, self.batch.over) {
            self.threads.insert(id, Whose::Child(self.children.len()));
            self.children.push(Child::new(id, self.now));
        }
    }

    fn program(&mut self, system: &System<'_>, step: &Step<'_>, key: &Key) -> Result<(), LogError> {
        if let Some(text) = mark::to_nowhere(system) {
            match key.body(text) {
                Some(body) if !self.batch.ready && body.strip_prefix("ready 0x").is_some() => {
                    self.batch.ready = true;
                    self.batch.heap = self.now;
                }
                Some("over") if self.batch.ready && !self.batch.over => self.batch.over = true,
                _ => self.batch.forged.push(step.line),
            }
            return Ok(());
        }
        match (system.name, system.reply) {
            ("brk", reply) => {
                let Deed::Brk(to) = child::deed(system, step.line)? else { return Ok(()) };
                let (before, answer) = (self.now, address(reply));
                self.now = answer.or(before);
                if let (Some(from), Some(now), false, false) =
                    (before, answer.filter(|answer| before != Some(*answer)), is_query(to, before), self.batch.ready)
                {
                    self.batch.moves.push(Move { from, to, now });
                }
            }
            // The first one started it.
            ("execve" | "execveat", Reply::Number(_)) if step.line > 1 => self.batch.forged.push(step.line),
            _ => {}
        }
        Ok(())
    }

    fn ended(&mut self, step: &Step<'a>, whose: Whose) {
        match (whose, &step.what) {
            (Whose::Program, what) if self.process == Some(step.thread) => {
                self.batch.end = match what {
                    What::Exited(status) => Some(End::Exit(status & 0xff)),
                    What::Killed(name) => Some(End::Killed((*name).into())),
                    _ => None,
                };
            }
            (Whose::Child(at), what) if self.children[at].process == step.thread => match what {
                What::Exited(status) => self.children[at].facts.push(Fact::Exited(*status)),
                What::Killed(name) => self.children[at].facts.push(Fact::Killed(name)),
                _ => {}
            },
            _ => {}
        }
    }

    fn finish(mut self) -> Batch<'a> {
        for child in self.children {
            let Some((number, line)) = child.claim else { continue };
            let sequence = Sequence { line, heap: child.heap, facts: child.facts };
            let first = self.batch.sequences.entry(number).or_insert(sequence);
            if first.line != line {
                // Nobody knows which of the two is genuine.
                first.facts.push(Fact::Forged);
                self.batch.forged.push(line);
            }
        }
        self.batch
    }
}
