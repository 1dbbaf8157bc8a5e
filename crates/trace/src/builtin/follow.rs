//! Follows the traced threads from stop to stop, and writes down what they do.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::Path;

use super::family::{Family, Kind};
use super::kernel::{self, ENTRY, EXIT, FILTERED, News, Onward, Tid};
use super::notes::Notes;
use super::shared::Shared;
use super::{filter, guard, render};
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
    program: Option<Tid>,
    /// New threads that were heard of before their makers told of them.
    early: HashMap<Tid, News>,
    pub(super) steps: Vec<Step<'static>>,
    /// Bytes of a log with these steps.
    pub(super) size: u64,
    /// The probe has spoken.
    pub(super) began: bool,
    /// Where the break of the program is.
    pub(super) now: Option<u64>,
    /// Calls so far that might be refused.
    pub(super) counted: u32,
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
            steps: Vec::new(),
            size: 0,
            began: false,
            now: None,
            counted: 0,
            modules: Modules::default(),
            origins: Vec::new(),
        }
    }

    /// Follows until nobody is left.
    pub fn follow(mut self) -> io::Result<Followed> {
        while let Some(first) = kernel::wait()? {
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

    fn news(&mut self, tid: Tid, news: News) -> io::Result<()> {
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

    fn stopped(&mut self, tid: Tid, signal: i32, event: i32) -> io::Result<()> {
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

    /// A thread made another, or a process.
    fn born(&mut self, tid: Tid, event: i32) -> io::Result<()> {
        let new = kernel::event_message(tid).ok().and_then(|new| Tid::try_from(new).ok());
        // At its end the message is another number.
        if let Some(now) = overtaken(tid, event) {
            return self.stopped(tid, libc::SIGTRAP, now);
        }
        let Some(new) = new else { return self.go_on(tid, Onward::Run, 0) };
        self.read_notes(tid);
        let watches_children = matches!(self.job.watch, Watch::Marks(_));
        let is_thread = event == libc::PTRACE_EVENT_CLONE && is_thread_of(new, tid);
        let Some((thread, process)) = self.family.both(tid) else { return Ok(()) };
        let owner = thread.process;
        let open = thread.open.as_mut();
        let shares = open.as_ref().is_some_and(|open| guard::flags(tid, open.name, open.arguments) & VM != 0);
        let mut record = None;
        if let Some(open) = open {
            open.born = true;
            if let (None, Some(_)) = (open.place, open.text.take()) {
                record = Some((open.name, open.at));
            }
        }
        // Who writes into the notes must be certain.
        let leaves_vfork = event == libc::PTRACE_EVENT_VFORK;
        if (is_thread || shares && !leaves_vfork)
            && let Some(notes) = process.notes.take()
        {
            notes.end(tid);
        }
        let inherited = process.notes.filter(|_| watches_children && !shares);
        let (kind, replaced) = match process.kind {
            Kind::Program => (Kind::Child, process.replaced),
            kind => (kind, process.replaced),
        };
        let interesting = kind != Kind::Starter;
        if let Some((name, at)) = record.filter(|_| interesting) {
            let arguments = Cow::Borrowed(if is_thread { "flags=CLONE_THREAD" } else { "" });
            self.push(tid, Some(at), What::System(System { name, arguments, reply: Reply::Number(new.into()) }));
        }
        if is_thread {
            // It may have been heard of before.
            self.job.shared.ended(new);
            self.family.add_thread(new, owner);
        } else {
            self.family.add_process(new, kind, inherited, replaced);
            self.job.shared.began(new);
        }
        if let Some(thread) = self.family.thread(tid) {
            thread.open = None;
        }
        self.go_on(tid, Onward::Run, 0)?;
        match self.early.remove(&new) {
            Some(news) => self.news(new, news),
            None => Ok(()),
        }
    }

    /// Takes in the new processes whose makers were killed before they told of them; nobody would ever let them go on.
    fn adopt(&mut self) -> io::Result<()> {
        let orphans: Vec<Tid> = self.early.keys().copied().filter(|tid| !self.has_maker(*tid)).collect();
        for tid in orphans {
            let kind = if self.program.is_some() { Kind::Child } else { Kind::Starter };
            self.family.add_process(tid, kind, None, false);
            if let Some(news) = self.early.remove(&tid) {
                self.news(tid, news)?;
            }
        }
        Ok(())
    }

    /// Whether someone lives who may yet tell of a new thread.
    fn has_maker(&self, new: Tid) -> bool {
        // A thread's maker is a thread of the same process; a process whose maker has ended has another parent by then.
        ["Tgid:", "PPid:"].into_iter().filter_map(|name| status(new, name)).any(|of| self.family.has_process(of))
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
        for note in new {
            self.push(tid, None, What::Note(note));
        }
        // Who was killed may have no memory any more.
        if read.is_err() && kernel::event(tid).is_some() {
            self.push(tid, None, What::Damaged);
        }
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
            self.job.shared.notes(tid, address + osmem_ring::COUNT);
        }
    }
}

/// CLONE_VM
const VM: u64 = 0x100;

/// Where a thread stands that had stopped for `event`, if it was killed since: at its end, or at the start of the program that another
/// thread became in its place. It is not heard of again before it goes on.
fn overtaken(tid: Tid, event: i32) -> Option<i32> {
    kernel::event(tid).filter(|now| *now != event && matches!(*now, libc::PTRACE_EVENT_EXIT | libc::PTRACE_EVENT_EXEC))
}

/// Whether a new task is a thread of the process that made it.
fn is_thread_of(new: Tid, maker: Tid) -> bool {
    status(new, "Tgid:").is_some_and(|group| group != new && Some(group) == status(maker, "Tgid:"))
}

/// A number of those that the kernel tells of a thread.
fn status(tid: Tid, name: &str) -> Option<Tid> {
    let status = std::fs::read_to_string(format!("/proc/{tid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}
