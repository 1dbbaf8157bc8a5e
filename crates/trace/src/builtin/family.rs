//! The traced threads and processes.

use std::collections::HashMap;

use super::arch::Registers;
use super::kernel::Tid;
use super::notes::Notes;
use crate::origin::Origin;

/// What a process is to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It leads to the program.
    Starter,
    /// The program.
    Program,
    /// Of the program's making.
    Child,
}

/// A traced process.
#[derive(Debug)]
pub struct Process {
    /// What it is to the run.
    pub kind: Kind,
    /// The notes in its memory, where they are read.
    pub notes: Option<Notes>,
    /// How many threads it has.
    pub threads: u32,
    /// It has become another program since.
    pub replaced: bool,
}

/// A system call that a thread is in.
#[derive(Debug)]
pub struct Open {
    /// As the kernel calls it.
    pub name: &'static str,
    /// Its arguments.
    pub arguments: [u64; 6],
    /// Behind the instruction that made it.
    pub at: u64,
    /// Where it stands among the steps, if it has been recorded already.
    pub place: Option<usize>,
    /// Its arguments as text, if it is to be recorded at its end.
    pub text: Option<std::borrow::Cow<'static, str>>,
    /// Where it came from.
    pub origin: Option<Origin>,
    /// The task that it made has been seen.
    pub born: bool,
}

/// A traced thread.
#[derive(Debug)]
pub struct Thread {
    /// The number of its process.
    pub process: Tid,
    /// The system call that it is in, if its end is waited for.
    pub open: Option<Open>,
    /// It is inside an `os_*` call, as far as is known.
    pub inside: bool,
    /// It makes a system call for the tracer; these are the registers of its own.
    pub borrowed: Option<Registers>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Family {
    threads: HashMap<Tid, Thread>,
    processes: HashMap<Tid, Process>,
}

impl Family {
    /// A new process, with its first thread.
    pub fn add_process(&mut self, tid: Tid, kind: Kind, notes: Option<Notes>, replaced: bool) {
        self.processes.insert(tid, Process { kind, notes, threads: 0, replaced });
        self.add_thread(tid, tid);
    }

    /// A new thread of a process.
    pub fn add_thread(&mut self, tid: Tid, process: Tid) {
        self.threads.insert(tid, Thread { process, open: None, inside: false, borrowed: None });
        if let Some(process) = self.processes.get_mut(&process) {
            process.threads += 1;
        }
    }

    /// A thread has ended; its process with its last thread.
    pub fn remove(&mut self, tid: Tid) {
        let Some(thread) = self.threads.remove(&tid) else { return };
        if let Some(process) = self.processes.get_mut(&thread.process) {
            process.threads = process.threads.saturating_sub(1);
            if process.threads == 0 {
                self.processes.remove(&thread.process);
            }
        }
    }

    /// A thread called execve: it alone is left of its process, under the number of the process.
    pub fn replace(&mut self, former: Tid, tid: Tid) {
        let open = self.threads.get_mut(&former).and_then(|thread| thread.open.take());
        self.threads.retain(|_, thread| thread.process != tid);
        self.threads.insert(tid, Thread { process: tid, open, inside: false, borrowed: None });
        if let Some(process) = self.processes.get_mut(&tid) {
            process.threads = 1;
        }
    }

    /// A thread.
    pub fn thread(&mut self, tid: Tid) -> Option<&mut Thread> {
        self.threads.get_mut(&tid)
    }

    /// Whether there is more than one thread.
    pub fn has_several(&self) -> bool {
        self.threads.len() > 1
    }

    /// Whether this process lives, as far as is known.
    pub fn has_process(&self, process: Tid) -> bool {
        self.processes.contains_key(&process)
    }

    /// A thread and its process.
    pub fn both(&mut self, tid: Tid) -> Option<(&mut Thread, &mut Process)> {
        let thread = self.threads.get_mut(&tid)?;
        let process = self.processes.get_mut(&thread.process)?;
        Some((thread, process))
    }
}
