//! Calls that are looked at from outside: some of the program's, the first one and others drawn at random.
//!
//! The thread is stopped where the probe's function begins, and where the program goes on behind its call. There its registers say what
//! was asked and what was answered, whatever the library has written into memory that it shares with the probe. What the probe notes must
//! agree, and the call must come from the program's own code.
//!
//! The stops are breakpoints of the processor, of which no code and no memory shows anything. A machine without them has no samples.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use object::{Object, ObjectSegment, ObjectSymbol};
use osmem_ring::{Note, kind};

use super::family::Kind;
use super::follow::Follower;
use super::kernel::Tid;
use super::{arch, memory};
use crate::log::What;
use crate::origin::{Module, Modules};

/// The functions of the probe, in the order of the kinds of their notes.
const FUNCTIONS: [&str; 4] = ["os_malloc", "os_calloc", "os_realloc", "os_free"];
/// Calls of a run that are looked at, at most.
const MOST: u32 = 4;

/// A claim of a run that is not true.
const FROM_ELSEWHERE: &str = "a call that the program does not make";
const NOT_SEEN: &str = "a note of a call that was not made";
const OTHERWISE: &str = "a note of a call that was another one";

/// The calls of one run that are looked at.
#[derive(Debug)]
pub struct Sampler {
    tid: Tid,
    /// Where the functions begin.
    entries: [u64; 4],
    program: Vec<Range<u64>>,
    state: State,
    left: u32,
    random: RandomState,
}

/// Event that is awaited.
#[derive(Debug)]
enum State {
    Nothing,
    /// The beginning of a call.
    Call,
    /// Its end.
    Return(Pending),
}

/// A call that has begun.
#[derive(Debug)]
struct Pending {
    note: Note,
    /// Where it returns to, and the stack there.
    back: u64,
    stack: u64,
    /// Steps that were written down before it.
    before: usize,
}

impl Sampler {
    /// Waits for the first call of a program whose probe has just spoken; `None` where that cannot be.
    fn begin(tid: Tid, modules: &Modules) -> Option<Self> {
        let (path, base) = modules.file(&Module::Probe)?;
        let entries = entries(path)?.map(|place| base.wrapping_add(place));
        let program = modules.code(&[Module::Program]);
        let state = State::Nothing;
        let mut sampler = Self { tid, entries, program, state, left: MOST, random: RandomState::new() };
        sampler.wait_for_call();
        matches!(sampler.state, State::Call).then_some(sampler)
    }

    fn wait_for_call(&mut self) {
        let set = arch::stop_at(self.tid, &self.entries);
        self.state = if set.is_ok() { State::Call } else { State::Nothing };
    }

    fn rest(&mut self) {
        // It may have been killed.
        let _ = arch::stop_at(self.tid, &[]);
        self.state = State::Nothing;
    }

    /// Waits for the next call, or does not.
    fn draw(&mut self) {
        if self.left > 0 && matches!(self.state, State::Nothing) && self.random.hash_one(self.left) & 1 == 0 {
            self.wait_for_call();
        }
    }
}

impl Follower<'_> {
    /// Begins to look at calls, where notes are read.
    pub(super) fn begin_sampling(&mut self, tid: Tid) {
        let modules = Modules::of(tid, None, self.job.library);
        self.probed = modules.file(&Module::Probe).is_some();
        self.sampler = Sampler::begin(tid, &modules);
    }

    /// Leaves off.
    pub(super) fn end_sampling(&mut self) {
        if let Some(mut sampler) = self.sampler.take() {
            sampler.rest();
        }
    }

    /// The thread stands still for another reason, and its notes have been read: time to draw.
    pub(super) fn draw_sample(&mut self, tid: Tid) {
        if let Some(sampler) = self.sampler.as_mut().filter(|sampler| sampler.tid == tid) {
            sampler.random = RandomState::new();
            sampler.draw();
        }
    }

    /// Whether these new notes tell of a call, where none can have begun unseen.
    pub(super) fn is_unseen(&self, tid: Tid, notes: &[Note]) -> Option<&'static str> {
        let waits =
            self.sampler.as_ref().is_some_and(|sampler| sampler.tid == tid && matches!(sampler.state, State::Call));
        (waits && notes.iter().any(|note| note.kind <= kind::FREE)).then_some(NOT_SEEN)
    }

    /// A breakpoint of ours, if it is one: looks at the call.
    pub(super) fn sampled(&mut self, tid: Tid) -> io::Result<bool> {
        let is_ours = self.sampler.as_ref().is_some_and(|sampler| sampler.tid == tid);
        if !is_ours || !super::kernel::is_breakpoint(tid) {
            return Ok(false);
        }
        let Some(at) = arch::Registers::of(tid)?.call() else { return Ok(true) };
        self.read_notes(tid);
        let inside = self.family.thread(tid).is_some_and(|thread| thread.inside);
        let reads = self
            .family
            .both(tid)
            .is_some_and(|(_, process)| process.notes.is_some() && process.kind == Kind::Program && !process.replaced);
        let Some(mut sampler) = self.sampler.take().filter(|_| reads) else {
            self.end_sampling();
            return Ok(true);
        };
        let mut wrong = None;
        match std::mem::replace(&mut sampler.state, State::Nothing) {
            State::Nothing => {}
            // The library calls its own functions by their names: that is none of the program's.
            State::Call if inside => {
                sampler.left -= 1;
                sampler.rest();
            }
            State::Call => {
                let back = memory::read_number(tid, at.stack).unwrap_or(0);
                let is_own = sampler.program.iter().any(|code| code.contains(&back));
                let function = sampler.entries.iter().position(|entry| *entry == at.instruction);
                if !is_own && self.main_began {
                    wrong = Some(FROM_ELSEWHERE);
                }
                match function.filter(|_| is_own) {
                    Some(function) if arch::stop_at(tid, &[back]).is_ok() => {
                        let kind = function as u64 + 1;
                        let second = if matches!(kind, kind::CALLOC | kind::REALLOC) { at.second } else { 0 };
                        let note = Note { kind, first: at.first, second };
                        let pending = Pending { note, back, stack: at.stack + 8, before: self.steps.len() };
                        sampler.state = State::Return(pending);
                    }
                    _ => sampler.wait_for_call(),
                }
            }
            State::Return(pending) if (at.instruction, at.stack) == (pending.back, pending.stack) => {
                let end = match pending.note.kind {
                    kind::FREE => Note { kind: kind::DONE, first: 0, second: 0 },
                    _ => Note { kind: kind::RETURNED, first: at.result, second: 0 },
                };
                let notes =
                    self.steps.get(pending.before..).unwrap_or_default().iter().filter_map(|step| match &step.what {
                        What::Note(note) => Some(*note),
                        _ => None,
                    });
                if !notes.eq([pending.note, end]) {
                    wrong = Some(OTHERWISE);
                }
                sampler.left -= 1;
                sampler.rest();
                sampler.draw();
            }
            other => sampler.state = other,
        }
        if let Some(what) = wrong {
            self.push(tid, None, What::Refused(what));
            sampler.rest();
        } else if sampler.left > 0 {
            self.sampler = Some(sampler);
        } else {
            sampler.rest();
        }
        Ok(true)
    }
}

/// Where the functions of a probe lie within its file, read once for each file.
fn entries(path: &Path) -> Option<[u64; 4]> {
    static KNOWN: OnceLock<Mutex<HashMap<PathBuf, Option<[u64; 4]>>>> = OnceLock::new();
    let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    *known.entry(path.to_owned()).or_insert_with(|| read_entries(path))
}

fn read_entries(path: &Path) -> Option<[u64; 4]> {
    let data = std::fs::read(path).ok()?;
    let file = object::File::parse(&*data).ok()?;
    let place = |name: &str| {
        let address = file.dynamic_symbols().find(|symbol| symbol.name() == Ok(name))?.address();
        let part = file.segments().find(|part| (part.address()..part.address() + part.size()).contains(&address))?;
        Some(address - part.address() + part.file_range().0)
    };
    let [malloc, calloc, realloc, free] = FUNCTIONS.map(place);
    Some([malloc?, calloc?, realloc?, free?])
}
