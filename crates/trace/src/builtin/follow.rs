//! Follows the traced threads from stop to stop, and writes down what they do.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::ops::Range;
use std::path::Path;

use super::births::overtaken;
use super::family::{Family, Kind};
use super::kernel::{self, ENTRY, EXIT, FILTERED, News, Onward, Tid};
use super::notes::Notes;
use super::sample::Sampler;
use super::shared::Shared;
use super::{filter, render};
use crate::log::{Reply, Step, System, What};
use crate::origin::{Modules, Origin};
use crate::spec::{Refusal, Stopped};
use crate::tracer::Watch;

/// What a job is about.
pub struct Job<'a> {
    /// What is recorded.
    pub watch: Watch<'a>,
    /// The library under test.
    pub library: Option<&'a Path>,
    /// The first process does not become the program: one that it makes does.
    pub started: bool,
    /// The kernel stops threads by our filter, and not at each of their system calls.
    pub filtered: bool,
    /// The filter that the program starts with is only a part of it.
    pub incomplete: bool,
    /// Calls that are refused.
    pub refuse: Option<Refusal>,
    /// Bytes that a log of the run may have.
    pub limit: u64,
    /// What the thread that watches has to know.
    pub shared: &'a Shared,
}

/// What a run came to.
pub struct Followed {
    /// What happened.
    pub steps: Vec<Step<'static>>,
    /// Where system calls came from, by the lines of their steps.
    pub origins: Vec<(usize, Origin)>,
    /// The program has started.
    pub started: bool,
}

/// Bytes of a line of a log beside the arguments.
pub(super) const LINE: u64 = 64;

/// A run on its way.
pub struct Follower<'a> {
    pub(super) job: Job<'a>,
    pub(super) family: Family,
    /// The first process.
    root: Tid,
    /// The program, once it has started.
    pub(super) program: Option<Tid>,
    /// New threads that were heard of before their makers told of them.
    pub(super) early: HashMap<Tid, News>,
    /// New threads that were taken in before their makers told of them.
    pub(super) adopted: HashSet<Tid>,
    pub(super) steps: Vec<Step<'static>>,
    /// Bytes of a log with these steps.
    pub(super) size: u64,
    /// The probe has spoken.
    pub(super) began: bool,
    /// Where the break of the program is.
    pub(super) now: Option<u64>,
    /// Calls so far that might be refused.
    pub(super) counted: u32,
    /// The calls that are looked at.
    pub(super) sampler: Option<Sampler>,
    /// It is our own probe that speaks, and no program of its own accord.
    pub(super) probed: bool,
    /// The program's main has begun.
    pub(super) main_began: bool,
    /// Where the code of the program and the probe lies, once that was asked for.
    pub(super) code: Vec<Range<u64>>,
    /// Whether the probe's is among it.
    pub(super) has_probe: bool,
    /// The mapped files of the program, once they were asked for.
    pub(super) modules: Modules,
    pub(super) origins: Vec<(usize, Origin)>,
}

impl<'a> Follower<'a> {
    /// For a run whose first process is `root`, which the calling thread traces.
    pub fn new(root: Tid, job: Job<'a>) -> Self {
        let mut family = Family::default();
        family.add_process(root, Kind::Starter, None, false);
        job.shared.began(root);
        job.shared.traces();
        Self {
            job,
            family,
            root,
            program: None,
            early: HashMap::new(),
            adopted: HashSet::new(),
            steps: Vec::new(),
            size: 0,
            began: false,
            now: None,
            counted: 0,
            sampler: None,
            probed: false,
            main_began: false,
            code: Vec::new(),
            has_probe: false,
            modules: Modules::default(),
            origins: Vec::new(),
        }
    }

    /// Follows until nobody is left.
    pub fn follow(mut self) -> io::Result<Followed> {
        let shared = self.job.shared;
        while let Some(first) = kernel::wait(|| shared.is_abandoned())? {
            let mut waiting = VecDeque::from([first]);
            // All that have stopped by now get their turn before any of them gets another: the kernel tells of the first process before
            // all others, and of the newest thread before older ones, so that who makes processes without end would hold up all the rest.
            while self.family.has_several()
                && let Some(next) = kernel::at_hand()?
            {
                // Who was killed since has left its former stop.
                waiting.retain(|(tid, _)| *tid != next.0);
                waiting.push_back(next);
            }
            while let Some((tid, news)) = waiting.pop_front() {
                self.news(tid, news)?;
            }
            if self.size > self.job.limit && self.job.shared.stopped().is_none() {
                self.job.shared.stop(Stopped::LogLimit);
                self.job.shared.kill_all();
            }
        }
        Ok(Followed { steps: self.steps, origins: self.origins, started: self.program.is_some() })
    }

    pub(super) fn news(&mut self, tid: Tid, news: News) -> io::Result<()> {
        if self.family.thread(tid).is_none() {
            // Whatever it is, it must not be left behind.
            self.job.shared.began(tid);
            self.early.insert(tid, news);
            return self.adopt();
        }
        match news {
            News::Exited(status) => {
                self.ended(tid, What::Exited(status));
                self.adopt()
            }
            News::Killed(signal) => {
                self.ended(tid, What::Killed(render::signal(signal)));
                self.adopt()
            }
            News::Stopped(signal, event) => {
                let now = if self.family.has_several() { overtaken(tid, event) } else { None };
                self.stopped(tid, signal, now.unwrap_or(event))
            }
        }
    }

    pub(super) fn stopped(&mut self, tid: Tid, signal: i32, event: i32) -> io::Result<()> {
        const SYSTEM_CALL: i32 = libc::SIGTRAP | 0x80;
        match event {
            libc::PTRACE_EVENT_SECCOMP => match kernel::call_info(tid)? {
                Some(info) if info.op == FILTERED && matches!(info.data, filter::WATCHED | filter::FOREIGN) => {
                    self.enter(tid, &info)
                }
                _ => self.go_on(tid, Onward::Run, 0),
            },
            0 if signal == SYSTEM_CALL => match kernel::call_info(tid)? {
                Some(info) if info.op == EXIT => self.leave(tid, &info),
                Some(info) if info.op == ENTRY && !self.job.filtered && filter::is_watched(&info) => {
                    self.enter(tid, &info)
                }
                _ => self.go_on(tid, Onward::Run, 0),
            },
            libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => self.born(tid, event),
            libc::PTRACE_EVENT_VFORK_DONE => {
                // What the child noted in the memory that it shared is not the program's.
                if let Some(notes) = self.family.both(tid).and_then(|(_, process)| process.notes.as_mut()) {
                    notes.skip(tid);
                }
                self.go_on(tid, Onward::Run, 0)
            }
            libc::PTRACE_EVENT_EXEC => self.replaced(tid),
            libc::PTRACE_EVENT_EXIT => {
                self.read_notes(tid);
                self.go_on(tid, Onward::Run, 0)
            }
            libc::PTRACE_EVENT_STOP => {
                let as_job = matches!(signal, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU);
                self.go_on(tid, if as_job { Onward::Listen } else { Onward::Run }, 0)
            }
            0 if signal == libc::SIGTRAP && self.sampled(tid)? => self.go_on(tid, Onward::Run, 0),
            _ => self.signal(tid, signal),
        }
    }

    /// Lets a thread go on; where no filter stops it, up to its next system call.
    pub(super) fn go_on(&self, tid: Tid, onward: Onward, signal: i32) -> io::Result<()> {
        let onward = match onward {
            Onward::Run if !self.job.filtered => Onward::ToEnd,
            onward => onward,
        };
        kernel::go_on(tid, onward, signal)
    }

    fn signal(&mut self, tid: Tid, signal: i32) -> io::Result<()> {
        self.read_notes(tid);
        if let Some(kind) = self.kind(tid).filter(|kind| *kind != Kind::Starter) {
            if signal == libc::SIGSYS
                && let Some(call) = kernel::refused_call(tid)
            {
                self.push(tid, None, What::Refused(filter::name(call.into()).unwrap_or("an unknown system call")));
            }
            if kind == Kind::Program || matches!(self.job.watch, Watch::Marks(_)) {
                self.push(tid, None, What::Signal(render::signal(signal)));
            }
        }
        self.go_on(tid, Onward::Run, signal)
    }

    /// A process became another program.
    fn replaced(&mut self, tid: Tid) -> io::Result<()> {
        let former = kernel::event_message(tid).ok().and_then(|former| Tid::try_from(former).ok()).unwrap_or(tid);
        self.family.replace(former, tid);
        let starts = self.program.is_none() && (!self.job.started || tid != self.root);
        let Some((thread, process)) = self.family.both(tid) else { return self.go_on(tid, Onward::Run, 0) };
        let open = thread.open.take();
        process.notes = None;
        if starts {
            process.kind = Kind::Program;
            self.program = Some(tid);
            (self.code, self.has_probe) = (Vec::new(), false);
            let arguments = Cow::Borrowed("");
            self.push(tid, None, What::System(System { name: "execve", arguments, reply: Reply::Number(0) }));
        } else if process.kind != Kind::Starter {
            process.replaced = true;
            match open.as_ref().and_then(|open| self.steps.get_mut(open.place?)) {
                Some(Step { what: What::System(system), .. }) => system.reply = Reply::Number(0),
                _ => {
                    let arguments = Cow::Borrowed("");
                    self.push(tid, None, What::System(System { name: "execve", arguments, reply: Reply::Number(0) }));
                }
            }
        }
        self.go_on(tid, Onward::Run, 0)
    }

    /// A thread has ended.
    fn ended(&mut self, tid: Tid, what: What<'static>) {
        let open = self.family.thread(tid).and_then(|thread| thread.open.take());
        if let Some((open, text)) = open.and_then(|mut open| open.text.take().map(|text| (open, text))) {
            // It never came back from there.
            let system = System { name: open.name, arguments: text, reply: Reply::Never };
            self.push(tid, Some(open.at), What::System(system));
        }
        let told = match self.kind(tid) {
            Some(Kind::Program) => true,
            Some(Kind::Child) => matches!(self.job.watch, Watch::Marks(_)),
            _ => false,
        };
        if told {
            self.push(tid, None, what);
        }
        self.family.remove(tid);
        self.job.shared.ended(tid);
    }

    /// What the process of a thread is to the run.
    pub(super) fn kind(&mut self, tid: Tid) -> Option<Kind> {
        self.family.both(tid).map(|(_, process)| process.kind)
    }

    /// Writes down a step; its place.
    pub(super) fn push(&mut self, tid: Tid, at: Option<u64>, what: What<'static>) -> usize {
        self.size += LINE + if let What::System(system) = &what { system.arguments.len() as u64 } else { 0 };
        self.job.shared.step();
        let thread = u32::try_from(tid).unwrap_or(0);
        self.steps.push(Step { line: self.steps.len() + 1, thread, at, what });
        self.steps.len() - 1
    }

    /// Reads what the process of a thread has noted.
    pub(super) fn read_notes(&mut self, tid: Tid) {
        let Some((thread, process)) = self.family.both(tid) else { return };
        let Some(notes) = process.notes.as_mut() else { return };
        let mut new = Vec::new();
        let read = notes.read(tid, |note| new.push(note));
        if read.is_err() {
            process.notes = None;
        }
        if let Some(note) = new.last() {
            thread.inside = note.kind <= osmem_ring::kind::FREE;
        }
        let unseen = self.is_unseen(tid, &new);
        for note in new {
            self.push(tid, None, What::Note(note));
        }
        if let Some(what) = unseen {
            self.push(tid, None, What::Refused(what));
            self.end_sampling();
        }
        // Who was killed may have no memory any more.
        if read.is_err() && kernel::event(tid).is_some() {
            self.push(tid, None, What::Damaged);
        }
    }

    /// Whether the probe in the process of a thread leaves notes, and so makes no marks of calls.
    pub(super) fn reads_notes(&mut self, tid: Tid) -> bool {
        self.probed && self.family.both(tid).is_some_and(|(_, process)| process.notes.is_some())
    }

    /// The probe, or the replayer, has told where its ring of notes lies.
    pub(super) fn begin_notes(&mut self, tid: Tid, address: u64, key: u64) {
        if let Some((_, process)) = self.family.both(tid)
            && process.kind == Kind::Program
            && process.threads == 1
            && process.notes.is_none()
            && !process.replaced
        {
            process.notes = Notes::begin(tid, address, key);
            let samples = process.notes.is_some() && matches!(self.job.watch, Watch::Calls(_));
            self.job.shared.notes(tid, address + osmem_ring::COUNT);
            if samples {
                self.begin_sampling(tid);
            }
        }
    }
}
