//! Addresses become places, and system calls take their canonical form.
//!
//! - HEAP is the break before the first attempt to move it that was made inside a call, rounded up to 8 as the contract's first
//!   block is. Of attempts that are refused until one is granted, the lowest break counts: the program may undo its own moves
//!   between them. What lies between HEAP and the highest break so far is on the heap. An allocator that moved the break before the
//!   first call and gives out what it gained has its HEAP there.
//! - Each mapping made inside a call gets the next number. An address belongs to the latest mapping that covered it, also after
//!   the end of that mapping; a mapping that the program made for itself has no number.
//! - Pure break queries are dropped, and an anonymous mapping's descriptor and offset are written -1 and 0 (O8).

mod cover;

use crate::log::{self, LogError, Reply, System};
use crate::model::{Answer, BreakMove, Call, Entry, Event, Outcome, Place};
use crate::traced::is_opaque;
use crate::traced::makes_task;
use crate::window::Doing;
use cover::Cover;

/// Numbers below this are no addresses: Linux keeps the first pages unmapped (vm.mmap_min_addr).
const LEAST_ADDRESS: u64 = 0x1_0000;

/// The program may have left the break at an odd address before.
const ALIGNMENT: u64 = 8;

/// Labels the steps of a process. Fails at a system call whose arguments are not those of the kernel's interface.
pub fn label(steps: &[Doing<'_>]) -> Result<Vec<Entry>, LogError> {
    label_and_place(steps).map(|(entries, _)| entries)
}

/// An event of a call, and the line that it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The number of the call, from 0.
    pub call: usize,
    /// The number of the event in it, from 0.
    pub event: usize,
    /// The line, counted from 1.
    pub line: usize,
}

/// The same, with the lines that system calls were read from.
pub fn label_and_place(steps: &[Doing<'_>]) -> Result<(Vec<Entry>, Vec<Placed>), LogError> {
    let heap = heap_at_load(steps).or_else(|| heap(steps)).map(|heap| heap.next_multiple_of(ALIGNMENT));
    let mut labeller = Labeller { heap, ..Labeller::default() };
    for step in steps {
        labeller.step(step)?;
    }
    Ok((labeller.entries, labeller.placed))
}

/// The lowest break before an attempt to move it inside a call, up to the first one that is granted.
fn heap(steps: &[Doing<'_>]) -> Option<u64> {
    let (mut now, mut lowest): (Option<u64>, Option<u64>) = (None, None);
    for step in steps {
        let Doing::System { call, system, .. } = step else { continue };
        let Some(to) = wanted_break(system) else { continue };
        let before = now;
        now = address(system.reply).or(now);
        if let (true, Some(before), false) = (call.is_some(), before, is_query(to, before)) {
            lowest = Some(lowest.map_or(before, |lowest| lowest.min(before)));
            if now != Some(before) {
                break;
            }
        }
    }
    lowest
}

/// The break before a move made ahead of the first call, if the first address on the heap that a call gives lies in what it gained.
fn heap_at_load(steps: &[Doing<'_>]) -> Option<u64> {
    let (mut now, mut called): (Option<u64>, bool) = (None, false);
    let mut gained: Vec<(u64, u64)> = Vec::new();
    for step in steps {
        match step {
            Doing::Enter(..) => called = true,
            Doing::System { system, .. } => {
                let Some(to) = wanted_break(system) else { continue };
                let before = now;
                now = address(system.reply).or(now);
                if called {
                    continue;
                }
                if let (Some(before), Some(now)) = (before, now)
                    && !is_query(to, Some(before))
                    && now > before
                {
                    gained.push((before, now));
                }
            }
            Doing::Leave(_, Some(result)) if called && !gained.is_empty() => {
                let found = gained.iter().find(|(before, after)| (*before..*after).contains(result));
                let is_on_heap =
                    gained.iter().any(|(before, _)| before <= result) && now.is_some_and(|now| *result < now);
                if is_on_heap {
                    return found.map(|(before, _)| *before);
                }
            }
            _ => {}
        }
    }
    None
}

/// The argument of a `brk`.
fn wanted_break(system: &System<'_>) -> Option<u64> {
    if system.name == "brk" { pointer(&system.arguments) } else { None }
}

/// Whether `brk(to)` only asks where the break is.
pub(crate) fn is_query(to: u64, now: Option<u64>) -> bool {
    to == 0 || now == Some(to)
}

/// An address as strace writes it.
pub(crate) fn pointer(text: &str) -> Option<u64> {
    if text == "NULL" { Some(0) } else { u64::from_str_radix(text.strip_prefix("0x")?, 16).ok() }
}

/// The answer of a call that gives out addresses.
pub(crate) fn address(reply: Reply<'_>) -> Option<u64> {
    match reply {
        Reply::Address(address) => Some(address),
        Reply::Number(number) => u64::try_from(number).ok(),
        Reply::Failed(_) | Reply::Never => None,
    }
}

#[derive(Default)]
struct Labeller {
    heap: Option<u64>,
    /// Where the break is, once known.
    now: Option<u64>,
    highest: u64,
    mappings: Cover,
    /// How many mappings have a number.
    numbered: u32,
    began: bool,
    entries: Vec<Entry>,
    /// By number of the call: where it stands in `entries`.
    calls: Vec<usize>,
    placed: Vec<Placed>,
}

impl Labeller {
    fn step(&mut self, step: &Doing<'_>) -> Result<(), LogError> {
        match *step {
            Doing::Begin => self.began = true,
            Doing::Enter(_, request) => {
                let request = request.map(|pointer| self.place(pointer));
                self.calls.push(self.entries.len());
                self.entries.push(Entry::Call(Call { request, events: Vec::new(), result: Outcome::Never }));
            }
            Doing::Leave(call, result) => {
                let result = Outcome::Returned(result.map(|pointer| self.place(pointer)));
                if let Some(call) = self.call(call) {
                    call.result = result;
                }
            }
            Doing::Signal(call, name) => {
                if let Some(call) = self.call(call) {
                    call.events.push(Event::Signal { name: name.into() });
                }
            }
            Doing::System { call, line, system } => {
                let event = self.system(system, call.is_some()).ok_or_else(|| LogError::strange(line, system))?;
                if let (Some(event), Some(number)) = (event, call)
                    && let Some(call) = self.call(number)
                {
                    call.events.push(event);
                    let event = call.events.len() - 1;
                    self.placed.push(Placed { call: number, event, line });
                }
            }
        }
        Ok(())
    }

    fn call(&mut self, number: usize) -> Option<&mut Call> {
        match self.entries.get_mut(*self.calls.get(number)?) {
            Some(Entry::Call(call)) => Some(call),
            _ => None,
        }
    }

    /// What a system call shows as inside a call, if it shows. The outer `None`: its arguments are strange.
    fn system(&mut self, system: &System<'_>, inside: bool) -> Option<Option<Event>> {
        let list = log::arguments(&system.arguments);
        Some(match (system.name, list.as_slice()) {
            ("brk", [to]) => self.brk(pointer(to)?, system.reply, inside),
            ("mmap", [at, length, protection, flags, descriptor, offset]) => {
                let (address, length) = (self.place(pointer(at)?), length.parse().ok()?);
                let anonymous = flags.split('|').any(|flag| flag == "MAP_ANONYMOUS");
                let (descriptor, offset) =
                    if anonymous { (-1, 0) } else { (descriptor.parse().ok()?, number(offset)?) };
                let result = self.mapped(system.reply, length, inside);
                let (protection, flags) = ((*protection).into(), log::telling_flags(flags));
                Some(Event::Mmap { address, length, protection, flags, descriptor, offset, result })
            }
            ("munmap", [at, length]) => {
                let (address, length) = (self.place(pointer(at)?), length.parse().ok()?);
                Some(Event::Munmap { address, length, result: self.answer(system) })
            }
            ("brk" | "mmap" | "munmap", _) => return None,
            ("mremap", [at, _, length, ..]) => {
                let (at, length) = (pointer(at)?, length.parse().ok()?);
                let arguments = self.arguments(system, &list);
                let result = match address(system.reply) {
                    // Resized where it is: still the same mapping.
                    Some(start) if start == at => {
                        self.mappings.insert(start, length, self.mappings.find(start).and_then(|(number, _)| number));
                        Answer::Place(self.place(start))
                    }
                    _ => self.mapped(system.reply, length, inside),
                };
                Some(Event::Other { name: system.name.into(), arguments, result })
            }
            (name, list) if inside => {
                let (arguments, result) = (self.arguments(system, list), self.answer(system));
                Some(Event::Other { name: name.into(), arguments, result })
            }
            _ => None,
        })
    }

    fn brk(&mut self, to: u64, reply: Reply<'_>, inside: bool) -> Option<Event> {
        let before = self.now;
        let answer = address(reply);
        if let Some(answer) = answer {
            self.now = Some(answer);
            self.highest = self.highest.max(answer);
        }
        if is_query(to, before) {
            return None;
        }
        let to = self.break_place(to);
        let result = match answer {
            Some(answer) => Answer::Place(self.break_place(answer)),
            None => refusal(reply),
        };
        if inside {
            return Some(Event::Brk { to, result });
        }
        let moved = before.is_some() && answer.is_some() && before != answer;
        if let (true, Answer::Place(result)) = (moved && self.began, result) {
            self.entries.push(Entry::Program(BreakMove { to, result }));
        }
        None
    }

    /// Notes a new mapping.
    fn mapped(&mut self, reply: Reply<'_>, length: u64, inside: bool) -> Answer {
        let Some(start) = address(reply) else { return refusal(reply) };
        let number = inside.then(|| {
            self.numbered += 1;
            self.numbered
        });
        self.mappings.insert(start, length, number);
        Answer::Place(self.place(start))
    }

    fn place(&self, address: u64) -> Place {
        match (self.mappings.find(address), self.heap) {
            _ if address == 0 => Place::Null,
            (Some((Some(number), offset)), _) => Place::Map { number, offset },
            (None, Some(heap)) if (heap..=self.highest).contains(&address) => Place::Heap(address - heap),
            _ => Place::Foreign,
        }
    }

    /// A break asked for may lie anywhere above the heap.
    fn break_place(&self, address: u64) -> Place {
        match self.heap.and_then(|heap| address.checked_sub(heap)) {
            Some(offset) => Place::Heap(offset),
            None => self.place(address),
        }
    }

    fn answer(&self, system: &System<'_>) -> Answer {
        match system.reply {
            Reply::Address(address) if address >= LEAST_ADDRESS => Answer::Place(self.place(address)),
            Reply::Address(number) => i64::try_from(number).map_or(Answer::Never, Answer::Number),
            Reply::Number(id) if id > 0 && answers_process(system.name) => Answer::Process,
            Reply::Number(number) => Answer::Number(number),
            reply @ (Reply::Failed(_) | Reply::Never) => refusal(reply),
        }
    }

    fn arguments(&self, system: &System<'_>, list: &[&str]) -> String {
        if is_opaque(system.name) {
            return "...".into();
        }
        let see = |address| self.place(address).to_string();
        if !takes_process(system.name) {
            return log::relabel(&system.arguments, LEAST_ADDRESS, see);
        }
        let is_process = |text: &str| text.parse::<u32>().is_ok_and(|id| id > 0);
        let list = list.iter().enumerate().map(|(at, text)| match at {
            0 | 1 if is_process(text) => "PID".into(),
            _ => log::relabel(text, LEAST_ADDRESS, see),
        });
        list.collect::<Vec<_>>().join(", ")
    }
}

fn refusal(reply: Reply<'_>) -> Answer {
    match reply {
        Reply::Failed(name) if name.starts_with(|first: char| first.is_ascii_digit()) => {
            Answer::Failed(format!("E{name}"))
        }
        Reply::Failed(name) => Answer::Failed(name.into()),
        _ => Answer::Never,
    }
}

/// An offset as strace writes it.
fn number(text: &str) -> Option<u64> {
    pointer(text).or_else(|| text.parse().ok())
}

/// Ids of processes differ from run to run; these calls answer with one.
fn answers_process(name: &str) -> bool {
    makes_task(name) || matches!(name, "wait4" | "waitid")
}

/// These calls take one (or two) as their first arguments. A failed assertion in a library ends in `tgkill`.
fn takes_process(name: &str) -> bool {
    matches!(name, "kill" | "tkill" | "tgkill")
}
