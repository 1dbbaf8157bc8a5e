//! The beginning and the end of a system call of a traced thread.

use std::io;

use super::family::{Kind, Open};
use super::follow::{Follower, LINE};
use super::kernel::{CallInfo, Onward, Tid};
use super::{arch, filter, guard, memory, render};
use crate::log::{Reply, System, What};
use crate::mark;
use crate::origin::{Modules, Origin};
use crate::spec::Refused;
use crate::traced;
use crate::tracer::Watch;

/// What becomes of a call.
enum Wanted {
    /// Nobody wants to know.
    Nothing,
    /// It is recorded, with its answer.
    Whole,
    /// Its answer is of interest, since what it made will be heard of.
    Task,
}

impl Follower<'_> {
    /// A thread is about to make a system call.
    pub(super) fn enter(&mut self, tid: Tid, info: &CallInfo) -> io::Result<()> {
        let Some((thread, process)) = self.family.both(tid) else { return self.go_on(tid, Onward::Run, 0) };
        let (kind, replaced, inside) = (process.kind, process.replaced, thread.inside);
        if kind == Kind::Starter {
            return self.go_on(tid, Onward::Run, 0);
        }
        if filter::is_foreign(info) {
            return self.foreign(tid, replaced);
        }
        let (Some(name), arguments) = (filter::name(info.number()), info.arguments()) else {
            return self.go_on(tid, Onward::Run, 0);
        };
        self.read_notes(tid);
        self.draw_sample(tid);
        let tampering = if replaced { None } else { self.tampering(tid, name, arguments) };
        if let Some(what) = tampering.or_else(|| guard::escape(tid, name, arguments)) {
            self.push(tid, Some(info.instruction), What::Refused(what));
            self.skip(tid, -i64::from(libc::EPERM))?;
            return self.go_on(tid, Onward::Run, 0);
        }
        if name == "write" && arguments[0] & 0xffff_ffff == 0xffff_ffff {
            return self.mark(tid, info, kind);
        }
        let inside = self.family.thread(tid).map_or(inside, |thread| thread.inside);
        let wanted = self.wanted(name, kind, replaced, inside);
        if matches!(wanted, Wanted::Nothing) {
            // A log has a line for it all the same.
            self.size += LINE;
            return self.go_on(tid, Onward::Run, 0);
        }
        self.refuse(tid, name, kind)?;
        let text = render::arguments(tid, name, arguments);
        let mut open =
            Open { name, arguments, at: info.instruction, place: None, text: None, origin: None, born: false };
        if inside && kind == Kind::Program {
            open.origin = Some(self.origin(tid, info));
        }
        let late = matches!(name, "brk" | "mmap" | "mremap") || matches!(wanted, Wanted::Task);
        if late {
            open.text = Some(text);
        } else {
            let system = System { name, arguments: text, reply: Reply::Never };
            let place = self.push(tid, Some(info.instruction), What::System(system));
            open.place = Some(place);
            self.origins.extend(open.origin.take().map(|origin| (place + 1, origin)));
        }
        if let Some(thread) = self.family.thread(tid) {
            thread.open = Some(open);
        }
        self.go_on(tid, Onward::ToEnd, 0)
    }

    /// A thread comes back from a system call.
    pub(super) fn leave(&mut self, tid: Tid, info: &CallInfo) -> io::Result<()> {
        let Some((thread, process)) = self.family.both(tid) else { return self.go_on(tid, Onward::Run, 0) };
        let kind = process.kind;
        if let Some(own) = thread.borrowed.take() {
            return self.give_back(tid, info, own);
        }
        let Some(open) = thread.open.take() else { return self.go_on(tid, Onward::Run, 0) };
        let reply = render::reply(open.name, info.result());
        if let (Kind::Program, "brk", Reply::Address(now)) = (kind, open.name, reply) {
            self.now = Some(now);
        }
        let is_task = traced::makes_task(open.name);
        if let (true, false, Reply::Number(1..)) = (is_task, open.born, reply) {
            self.untraced(tid, info.result().0);
        }
        match (open.place, open.text) {
            (Some(place), _) => {
                if let Some(What::System(system)) = self.steps.get_mut(place).map(|step| &mut step.what) {
                    system.reply = reply;
                }
            }
            (None, Some(arguments)) => {
                let system = System { name: open.name, arguments, reply };
                let place = self.push(tid, Some(open.at), What::System(system));
                self.origins.extend(open.origin.map(|origin| (place + 1, origin)));
            }
            (None, None) => {}
        }
        self.go_on(tid, Onward::Run, 0)
    }

    fn wanted(&self, name: &str, kind: Kind, replaced: bool, inside: bool) -> Wanted {
        let is_task = traced::makes_task(name);
        match self.job.watch {
            Watch::End => Wanted::Nothing,
            _ if filter::is_guarded(name) => Wanted::Nothing,
            _ if replaced => Wanted::Nothing,
            _ if is_task => Wanted::Task,
            _ if matches!(name, "execve" | "execveat") => Wanted::Whole,
            Watch::Calls(_) => match name {
                _ if kind != Kind::Program => Wanted::Nothing,
                "brk" => Wanted::Whole,
                "mmap" | "mremap" if self.began => Wanted::Whole,
                _ if inside => Wanted::Whole,
                _ => Wanted::Nothing,
            },
            Watch::Marks(_) => match (kind, name) {
                (Kind::Program, "brk") => Wanted::Whole,
                (Kind::Program, _) | (_, "exit" | "exit_group") => Wanted::Nothing,
                _ => Wanted::Whole,
            },
        }
    }

    /// A write to descriptor -1: nobody needs the answer, which is known.
    fn mark(&mut self, tid: Tid, info: &CallInfo, kind: Kind) -> io::Result<()> {
        let told = match self.job.watch {
            Watch::Calls(_) => kind == Kind::Program,
            Watch::Marks(_) => true,
            Watch::End => false,
        };
        let mut onward = Onward::Run;
        if told {
            let arguments = render::arguments(tid, "write", info.arguments());
            let system = System { name: "write", arguments, reply: Reply::Failed("EBADF") };
            onward = self.heed(tid, &system)?;
            self.push(tid, Some(info.instruction), What::System(system));
        }
        self.go_on(tid, onward, 0)
    }

    /// What a mark means for the tracer.
    fn heed(&mut self, tid: Tid, system: &System<'_>) -> io::Result<Onward> {
        let (Watch::Calls(key) | Watch::Marks(Some(key))) = self.job.watch else { return Ok(Onward::Run) };
        let Some(body) = mark::to_nowhere(system).and_then(|text| key.body(text)) else { return Ok(Onward::Run) };
        let (word, rest) = body.split_once(' ').unwrap_or((body, ""));
        let is_probe = matches!(self.job.watch, Watch::Calls(_));
        match (is_probe, word) {
            (true, "begin") | (false, "ready") if !self.began => {
                let Some(address) = rest.split(' ').next_back().and_then(mark::address) else { return Ok(Onward::Run) };
                self.began = true;
                let onward = self.complete_filter(tid, address)?;
                self.begin_notes(tid, address, key.bits());
                return Ok(onward);
            }
            (true, "main") => self.main_began = true,
            // There is one main.
            (true, "end") => self.end_sampling(),
            (true, "call" | "done") if self.reads_notes(tid) => {
                self.push(tid, None, What::Refused("a mark of a call where notes are read"));
            }
            (true, "call" | "done") => {
                if let Some(thread) = self.family.thread(tid) {
                    thread.inside = word == "call";
                }
            }
            _ => {}
        }
        Ok(Onward::Run)
    }

    /// Has the thread set the rest of the filter, in the place of the call that it is about to make. The filter lies for a moment where
    /// later the notes in the ring at `address` do.
    fn complete_filter(&mut self, tid: Tid, address: u64) -> io::Result<Onward> {
        if !self.job.incomplete {
            return Ok(Onward::Run);
        }
        let instructions = filter::later();
        let there = address.saturating_add(osmem_ring::place(0));
        // As struct sock_fprog and struct sock_filter have it.
        let mut bytes = (instructions.len() as u64).to_le_bytes().to_vec();
        bytes.extend((there + 16).to_ne_bytes());
        for (code, jt, jf, operand) in instructions {
            bytes.extend(code.to_ne_bytes());
            bytes.extend([jt, jf]);
            bytes.extend(operand.to_ne_bytes());
        }
        if !memory::write(tid, there, &bytes) {
            return Err(io::Error::other("the memory of the probe cannot be written"));
        }
        let own = arch::Registers::of(tid)?;
        arch::make_call(tid, own, libc::SYS_seccomp, [u64::from(libc::SECCOMP_SET_MODE_FILTER), 0, there])?;
        if let Some(thread) = self.family.thread(tid) {
            thread.borrowed = Some(own);
        }
        Ok(Onward::ToEnd)
    }

    /// A call that was made for the tracer has ended: the thread goes on as after its own.
    fn give_back(&self, tid: Tid, info: &CallInfo, own: arch::Registers) -> io::Result<()> {
        let (result, failed) = info.result();
        if failed {
            let error = io::Error::from_raw_os_error(i32::try_from(-result).unwrap_or(0));
            return Err(io::Error::other(format!("the filter of system calls cannot be set: {error}")));
        }
        own.with_result(-i64::from(libc::EBADF)).set(tid)?;
        self.go_on(tid, Onward::Run, 0)
    }

    /// Whose code makes a call.
    fn origin(&mut self, tid: Tid, info: &CallInfo) -> Origin {
        // Frames of some functions, none of them large.
        const STACK: usize = 2048;
        if !self.modules.knows(info.instruction) {
            self.modules = Modules::of(tid, None, self.job.library);
        }
        let bytes = memory::read_some(tid, info.stack, STACK);
        let stack: Vec<u64> = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
        self.modules.origin(info.instruction, &stack)
    }

    /// Has the kernel refuse a call, if that is asked for.
    fn refuse(&mut self, tid: Tid, name: &str, kind: Kind) -> io::Result<()> {
        let Some(refusal) = self.job.refuse else { return Ok(()) };
        if kind != Kind::Program || !self.began || refusal.call.name() != name {
            return Ok(());
        }
        self.counted += 1;
        if self.counted < refusal.first || self.counted > refusal.first && !refusal.later {
            return Ok(());
        }
        let answer = match refusal.call {
            // The break stays where it is.
            Refused::Brk => self.now.and_then(|now| i64::try_from(now).ok()).unwrap_or(0),
            Refused::Mmap => -i64::from(libc::ENOMEM),
        };
        self.skip(tid, answer)
    }

    /// Keeps the kernel from making a call.
    fn skip(&self, tid: Tid, answer: i64) -> io::Result<()> {
        match arch::skip_call(tid, answer) {
            // It was killed meanwhile.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            other => other,
        }
    }

    /// A call of another architecture: its number means another call, so that nothing of it can be told. Another program that was started
    /// by this one may be of that architecture.
    fn foreign(&mut self, tid: Tid, replaced: bool) -> io::Result<()> {
        if !replaced {
            self.push(tid, None, What::Refused("a system call of another architecture"));
            self.kill(tid);
        }
        self.go_on(tid, Onward::Run, 0)
    }

    /// A task was made that nobody traces.
    fn untraced(&mut self, tid: Tid, task: i64) {
        self.push(tid, None, What::Refused("clone with CLONE_UNTRACED"));
        self.kill(i32::try_from(task).unwrap_or(tid));
    }

    fn kill(&self, tid: Tid) {
        // It may have ended just now.
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(tid), nix::sys::signal::Signal::SIGKILL);
    }
}
