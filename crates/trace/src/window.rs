//! Which system call belongs to which `os_*` call.
//!
//! Only the traced process counts, with all its threads; forked children are dropped. It says by marks where a call begins and
//! ends. A mark is genuine if it has the key of the run and was made by the same instruction as the first one, and if the
//! probe would say such a thing there. The window opens at `begin` and stays open up to the end of the process: calls that
//! exit handlers make are seen too.
//!
//! Once the process has replaced itself by another program (execve), nothing it does counts any more: the probe wiped the
//! key, so that the new program cannot speak. What was seen stands, but the end is not proven.

use std::collections::{HashMap, HashSet};

use osmem_ring::Note;

use crate::log::{Reply, Step, System, What};
use crate::mark::{Key, Mark, Writing};
use crate::model::{End, Function, Request};

pub use crate::mark::EndProof;

/// A mark that the probe did not make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forged {
    /// Line of the recording, counted from 1.
    pub line: usize,
    /// The text written, without its key.
    pub text: String,
    /// How it gives itself away.
    pub why: Forgery,
}

/// How a forged mark gives itself away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// It has another key.
    Key,
    /// Another instruction made it.
    Origin,
    /// The probe says no such thing.
    Unreadable,
    /// The probe would not say it here (a result without a call, a call inside a call).
    Order,
    /// It was made after the program replaced itself by another.
    AfterExec,
}

/// The traced process, step by step, each step with the call that it belongs to (by number, from 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing<'a> {
    /// The probe is loaded: from here on the program's own moves of the break are of interest.
    Begin,
    /// A call begins.
    Enter(usize, Request<u64>),
    /// A call returns.
    Leave(usize, Option<u64>),
    /// A system call.
    System {
        /// `None`: outside any call.
        call: Option<usize>,
        /// Line of the recording, counted from 1.
        line: usize,
        /// Which.
        system: &'a System<'a>,
    },
    /// A signal inside a call.
    Signal(usize, &'a str),
}

/// What the log says about the traced process.
#[derive(Clone, Debug)]
pub struct Window<'a> {
    /// Its steps in order.
    pub steps: Vec<Doing<'a>>,
    /// How it ended; `None`: the log does not say.
    pub end: Option<End>,
    /// The program itself ended it.
    pub proof: Option<EndProof>,
    /// The log's line of the `begin` mark, and the version that it names.
    pub began: Option<(usize, String)>,
    /// How many calls were announced.
    pub calls: usize,
    /// Marks that the probe did not make.
    pub forged: Vec<Forged>,
    /// Functions that the library lacks.
    pub missing: Vec<Function>,
}

impl<'a> Window<'a> {
    /// Cuts the log of one run.
    pub fn cut(steps: &'a [Step<'a>], key: &Key) -> Self {
        let mut cutter = Cutter::new(key);
        let threads = threads(steps);
        for step in steps.iter().filter(|step| threads.contains(&step.thread)) {
            cutter.step(step);
        }
        let process = steps.first().map(|step| step.thread);
        cutter.finish(steps.iter().rev().filter(|step| Some(step.thread) == process).find_map(|step| match step.what {
            What::Exited(status) => Some(End::Exit(status & 0xff)),
            What::Killed(signal) => Some(End::Killed(signal.into())),
            _ => None,
        }))
    }
}

/// The threads of the traced process: the first one of the log, and all that threads of it made with CLONE_THREAD.
pub(crate) fn threads(steps: &[Step<'_>]) -> HashSet<u32> {
    let mut made: HashMap<u32, Vec<u32>> = HashMap::new();
    for step in steps {
        let What::System(System { name: "clone" | "clone3", arguments, reply: Reply::Number(id) }) = &step.what else {
            continue;
        };
        if let (true, Ok(id)) = (arguments.contains("CLONE_THREAD"), u32::try_from(*id)) {
            made.entry(step.thread).or_default().push(id);
        }
    }
    let mut threads = HashSet::new();
    let mut found: Vec<u32> = steps.first().map(|step| step.thread).into_iter().collect();
    while let Some(thread) = found.pop() {
        if threads.insert(thread) {
            found.extend(made.remove(&thread).unwrap_or_default());
        }
    }
    threads
}

/// Follows the threads of the process through the log.
struct Cutter<'a, 'k> {
    key: &'k Key,
    /// The instruction that makes all marks, once one was made.
    origin: Option<Option<u64>>,
    /// By thread: the call that it is in.
    open: HashMap<u32, (usize, Function)>,
    /// The thread that announced the end.
    ending: Option<u32>,
    /// The program that began was replaced by another.
    replaced: bool,
    window: Window<'a>,
}

impl<'a, 'k> Cutter<'a, 'k> {
    fn new(key: &'k Key) -> Self {
        let window = Window {
            steps: Vec::new(),
            end: None,
            proof: None,
            began: None,
            calls: 0,
            forged: Vec::new(),
            missing: Vec::new(),
        };
        Self { key, origin: None, open: HashMap::new(), ending: None, replaced: false, window }
    }

    fn step(&mut self, step: &'a Step<'a>) {
        let call = self.open.get(&step.thread).map(|(call, _)| *call);
        match &step.what {
            What::System(system) => {
                if let Some(writing) = Writing::of(system) {
                    if let Err(why) = self.mark(step, &writing) {
                        self.window.forged.push(Forged { line: step.line, text: writing.body, why });
                    }
                } else if matches!((system.name, system.reply), ("execve" | "execveat", Reply::Number(_))) {
                    self.replaced = self.window.began.is_some();
                } else if !self.replaced {
                    self.window.steps.push(Doing::System { call, line: step.line, system });
                }
            }
            What::Note(note) => {
                if let Err(why) = self.note(step, *note) {
                    let text = format!("{note:?}");
                    self.window.forged.push(Forged { line: step.line, text, why });
                }
            }
            What::Damaged => {
                let text = "what is no note, among the notes".to_owned();
                self.window.forged.push(Forged { line: step.line, text, why: Forgery::Key });
            }
            What::Signal(name) => {
                if let Some(call) = call.filter(|_| !self.replaced) {
                    self.window.steps.push(Doing::Signal(call, name));
                }
            }
            What::Refused(_) => {}
            What::Exited(_) | What::Killed(_) => {
                let inside = self.open.remove(&step.thread).is_some();
                if inside && self.ending == Some(step.thread) {
                    self.window.proof = None;
                }
            }
        }
    }

    fn mark(&mut self, step: &Step<'_>, writing: &Writing) -> Result<(), Forgery> {
        if !writing.has(self.key) {
            return Err(Forgery::Key);
        }
        if self.replaced {
            return Err(Forgery::AfterExec);
        }
        if self.origin.is_some_and(|origin| origin != step.at) {
            return Err(Forgery::Origin);
        }
        let mark = writing.read().ok_or(Forgery::Unreadable)?;
        // The probe runs before any other code of the program, so nobody can speak before it.
        if self.window.began.is_some() == matches!(mark, Mark::Begin(_)) {
            return Err(Forgery::Order);
        }
        self.origin = Some(step.at);
        self.say(step, mark)
    }

    /// A note; the tracer has checked its key.
    fn note(&mut self, step: &Step<'_>, note: Note) -> Result<(), Forgery> {
        if self.replaced {
            return Err(Forgery::AfterExec);
        }
        let mark = Mark::of(note).ok_or(Forgery::Unreadable)?;
        if self.window.began.is_none() { Err(Forgery::Order) } else { self.say(step, mark) }
    }

    fn say(&mut self, step: &Step<'_>, mark: Mark) -> Result<(), Forgery> {
        let inside = self.open.get(&step.thread).copied();
        match (mark, inside) {
            (Mark::Begin(version), _) => {
                self.window.began = Some((step.line, version));
                self.window.steps.push(Doing::Begin);
            }
            (Mark::Main, None) | (Mark::Full, _) => {}
            (Mark::Call(request), None) => {
                let call = self.window.calls;
                self.window.calls += 1;
                self.open.insert(step.thread, (call, request.function()));
                self.window.steps.push(Doing::Enter(call, request));
            }
            (Mark::Done(result), Some((call, function))) if result.is_none() == (function == Function::Free) => {
                self.open.remove(&step.thread);
                self.window.steps.push(Doing::Leave(call, result));
            }
            (Mark::End(proof), None) => {
                self.window.proof = Some(proof);
                self.ending = Some(step.thread);
            }
            (Mark::Missing(function), _) => self.window.missing.push(function),
            _ => return Err(Forgery::Order),
        }
        Ok(())
    }

    fn finish(mut self, end: Option<End>) -> Window<'a> {
        let proven = |proof: &EndProof| end == Some(End::Exit(proof.status())) && !self.replaced;
        self.window.proof = self.window.proof.filter(proven);
        self.window.end = end;
        self.window
    }
}
