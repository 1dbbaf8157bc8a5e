//! What the thread that traces and the one that watches the limits have in common.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::kernel::{self, Tid};
use super::memory;
use crate::meter::Watched;
use crate::spec::Stopped;

/// See the module.
#[derive(Debug, Default)]
pub struct Shared(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    stopped: Option<Stopped>,
    /// All traced processes that live, as far as is known.
    live: BTreeSet<Tid>,
    /// The thread that traces.
    tracer: Option<Tid>,
    /// The program, and where it counts its notes.
    notes: Option<(Tid, u64)>,
    /// Steps that are written down.
    steps: u64,
    /// Stops the wait for tracees.
    abandoned: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes why the run has to end; the first reason counts.
    pub fn stop(&self, why: Stopped) {
        self.state().stopped.get_or_insert(why);
    }

    /// Why the run has to end.
    pub fn stopped(&self) -> Option<Stopped> {
        self.state().stopped
    }

    /// A process began.
    pub fn began(&self, process: Tid) {
        self.state().live.insert(process);
    }

    /// A process ended.
    pub fn ended(&self, process: Tid) {
        self.state().live.remove(&process);
    }

    /// The calling thread traces.
    pub fn traces(&self) {
        self.state().tracer = Some(nix::unistd::gettid().as_raw());
    }

    /// A process counts its notes at this address.
    pub fn notes(&self, process: Tid, address: u64) {
        self.state().notes.get_or_insert((process, address));
    }

    /// A step was written down.
    pub fn step(&self) {
        self.state().steps += 1;
    }

    /// Kills all processes. One that is made meanwhile is seen the next time.
    pub fn kill_all(&self) {
        // While they are in the list, most are not reaped: their numbers are their own.
        let state = self.state();
        for process in &state.live {
            // It may have ended just now.
            let _ = kill(Pid::from_raw(*process), Signal::SIGKILL);
        }
    }

    /// Ends the tracing thread, with tracees left or not: the kernel kills tracees when it ends.
    pub fn abandon(&self) {
        let tracer = {
            let mut state = self.state();
            state.abandoned = true;
            state.tracer
        };
        tracer.into_iter().for_each(kernel::interrupt);
    }

    /// Whether the wait for tracees has been stopped.
    pub fn is_abandoned(&self) -> bool {
        self.state().abandoned
    }

    /// Bytes of memory that all processes together hold.
    pub fn memory(&self) -> u64 {
        let live = self.state().live.clone();
        live.into_iter().map(held).sum()
    }
}

impl Watched for Shared {
    fn processes(&self) -> Vec<Tid> {
        self.state().live.iter().copied().collect()
    }

    fn tracer(&self) -> Option<String> {
        self.state().tracer.map(|tracer| format!("self/task/{tracer}"))
    }

    fn progress(&self) -> u64 {
        let (notes, steps) = {
            let state = self.state();
            (state.notes, state.steps)
        };
        steps + notes.and_then(|(process, address)| memory::read_number(process, address)).unwrap_or(0)
    }
}

/// Bytes of memory that a process has touched and holds; 0 for one that has ended.
fn held(process: Tid) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    let pages: u64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages.saturating_mul(page())
}

fn page() -> u64 {
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE);
    page.ok().flatten().and_then(|page| u64::try_from(page).ok()).unwrap_or(4096)
}
