//! New threads and processes: who made them, and who takes them in where their makers were killed before they told of them.

use std::borrow::Cow;
use std::io;

use super::family::Kind;
use super::follow::Follower;
use super::guard;
use super::kernel::{self, News, Onward, Tid};
use crate::log::{Reply, System, What};
use crate::tracer::Watch;

impl Follower<'_> {
    /// A thread made another, or a process.
    pub(super) fn born(&mut self, tid: Tid, event: i32) -> io::Result<()> {
        let new = kernel::event_message(tid).ok().and_then(|new| Tid::try_from(new).ok());
        // At its end the message is another number.
        if let Some(now) = overtaken(tid, event) {
            return self.stopped(tid, libc::SIGTRAP, now);
        }
        let Some(new) = new else { return self.go_on(tid, Onward::Run, 0) };
        self.read_notes(tid);
        let watches_children = matches!(self.job.watch, Watch::Marks(_));
        let is_thread = event == libc::PTRACE_EVENT_CLONE && is_thread_of(new, tid);
        let Some((thread, _)) = self.family.both(tid) else { return Ok(()) };
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
        if is_thread || shares {
            self.end_sampling();
        }
        let Some((_, process)) = self.family.both(tid) else { return Ok(()) };
        // The writer of a note must be certain.
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
        let gone = |new| status(new, "Pid:").is_none();
        let known = self.adopted.remove(&new) && (self.family.thread(new).is_some() || gone(new));
        if known {
            // It was killed, and has had its turn.
        } else if is_thread {
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

    /// Takes in the new threads whose makers were killed before they told of them; nothing else would let them go on.
    ///
    /// A thread that stands at its end was killed, with its maker. A process that has lost its first thread still counts as living, until the last
    /// of its threads has gone on to its end.
    pub(super) fn adopt(&mut self) -> io::Result<()> {
        let is_killed = |news: &News| matches!(news, News::Stopped(_, libc::PTRACE_EVENT_EXIT));
        let orphans = self.early.iter().filter(|(tid, news)| is_killed(news) || !self.has_maker(**tid));
        let orphans: Vec<Tid> = orphans.map(|(tid, _)| *tid).collect();
        for tid in orphans {
            match status(tid, "Tgid:").filter(|owner| *owner != tid && self.family.has_process(*owner)) {
                Some(owner) => {
                    self.job.shared.ended(tid);
                    self.family.add_thread(tid, owner);
                }
                None => {
                    let kind = if self.program.is_some() { Kind::Child } else { Kind::Starter };
                    self.family.add_process(tid, kind, None, false);
                }
            }
            self.adopted.insert(tid);
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
}

/// CLONE_VM
const VM: u64 = 0x100;

/// Where a thread stands that had stopped for `event`, if it was killed since: at its end, or at the start of the program that another
/// thread became in its place. It is not heard of again before it goes on.
pub fn overtaken(tid: Tid, event: i32) -> Option<i32> {
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
