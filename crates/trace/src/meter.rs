//! Measures the time of a run that counts: its own, and not what a busy machine takes from it.
//!
//! Two kinds of time count: processor time of the traced processes, and time in which all of them sleep while the tracer sleeps too.
//! A process that waits for a processor or for its tracer uses no time.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use nix::unistd::{SysconfVar, sysconf};

use crate::spec::{Limits, Stopped};

/// The time before the first look: most programs end sooner.
const GRACE: Duration = Duration::from_millis(100);
/// The time between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// The most that one look adds for sleeping: on a busy machine looks come late, and nobody knows what was in between.
const LONGEST: Duration = Duration::from_millis(50);

/// A run that stands still from this part of its time on hangs.
const EARLY: u32 = 5;

/// The clock of one run.
#[derive(Debug)]
pub struct Meter {
    begun: Instant,
    limit: Duration,
    patience: Duration,
    looked: Instant,
    asleep: Duration,
    /// Processor time of each process that was seen, those that have ended too.
    used: BTreeMap<i32, Duration>,
    /// The same with what ended children had used, as of the last look.
    inherited: Duration,
    /// How far the run was when a fifth of its time was over.
    early: Option<u64>,
}

/// What counts of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Its own time.
    pub time: Duration,
    /// It made no step after a fifth of its time. One whose calls are slow makes some later, however far it comes.
    pub stuck: bool,
}

/// What is looked at.
pub trait Watched {
    /// The traced processes that live.
    fn processes(&self) -> Vec<i32>;
    /// The thread that traces, as `PROCESS/task/THREAD` or `PROCESS`; `None`: not known yet.
    fn tracer(&self) -> Option<String>;
    /// A number that grows with each step of the run.
    fn progress(&self) -> u64;
}

impl Meter {
    /// Begins now.
    pub fn start(limits: &Limits) -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            limit: limits.time,
            patience: limits.time.saturating_mul(limits.patience),
            looked: now,
            asleep: Duration::ZERO,
            used: BTreeMap::new(),
            inherited: Duration::ZERO,
            early: None,
        }
    }

    /// How long nothing has to be looked at.
    pub fn rest(&self) -> Duration {
        GRACE.min(self.limit).saturating_sub(self.begun.elapsed()).max(PAUSE.saturating_sub(self.looked.elapsed()))
    }

    /// Looks at the run, if it is time; whether its time is over.
    pub fn look(&mut self, run: &impl Watched) -> Option<Stopped> {
        if !self.rest().is_zero() {
            return None;
        }
        let since = self.looked.elapsed();
        self.looked = Instant::now();
        let tasks: Vec<Process> = run.processes().into_iter().filter_map(Process::read).collect();
        for process in &tasks {
            let used = self.used.entry(process.id).or_default();
            *used = process.used.max(*used);
        }
        self.inherited = tasks.iter().map(|process| process.used + process.children).sum();
        let tracer_sleeps = run.tracer().is_some_and(|tracer| state(&tracer).is_some_and(sleeps));
        if tracer_sleeps && !tasks.is_empty() && tasks.iter().all(|process| process.sleeps(&tasks)) {
            self.asleep += since.min(LONGEST);
        }
        let time = self.time();
        if time >= self.limit / EARLY && self.early.is_none() {
            self.early = Some(run.progress());
        }
        if time >= self.limit {
            Some(Stopped::Timeout)
        } else if self.begun.elapsed() >= self.patience {
            Some(Stopped::Starved)
        } else {
            None
        }
    }

    fn time(&self) -> Duration {
        self.asleep + self.used.values().sum::<Duration>().max(self.inherited)
    }

    /// What counts so far, of a run that was stopped or has ended.
    pub fn spent(&self, run: &impl Watched) -> Spent {
        // Of a short run nobody has looked, and all of it may count.
        let time = if self.used.is_empty() { self.begun.elapsed().min(self.limit) } else { self.time() };
        Spent { time, stuck: self.early.is_some_and(|early| early == run.progress()) }
    }
}

/// A process at one moment.
#[derive(Debug)]
struct Process {
    id: i32,
    parent: i32,
    state: char,
    threads: u32,
    used: Duration,
    /// Of its children that have ended.
    children: Duration,
}

impl Process {
    fn read(id: i32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // Its name may hold anything.
        let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        Some(Self {
            id,
            parent: fields.get(1)?.parse().ok()?,
            state: fields.first()?.chars().next()?,
            threads: fields.get(17)?.parse().ok()?,
            used: ticks(number(11)? + number(12)?),
            children: ticks(number(13)? + number(14)?),
        })
    }

    /// Whether all its threads sleep.
    fn sleeps(&self, all: &[Self]) -> bool {
        if self.threads <= 1 {
            // Until its child is another program, who called vfork waits as for a disk.
            let waits = self.state == 'D' && all.iter().any(|other| other.parent == self.id);
            return sleeps(self.state) || waits;
        }
        let threads = fs::read_dir(format!("/proc/{}/task", self.id)).into_iter().flatten().flatten();
        let mut states =
            threads.map(|thread| state(&format!("{}/task/{}", self.id, thread.file_name().to_string_lossy())));
        // A thread that is gone by now was at work.
        states.all(|state| state.is_some_and(sleeps))
    }
}

/// The state of a task below `/proc`.
fn state(task: &str) -> Option<char> {
    let text = fs::read_to_string(format!("/proc/{task}/stat")).ok()?;
    text.get(text.rfind(')')? + 1..)?.trim_start().chars().next()
}

/// Whether a task in this state neither runs nor waits for a processor or a disk. One that is stopped for a tracer that sleeps stands still
/// by its own doing.
fn sleeps(state: char) -> bool {
    matches!(state, 'S' | 'T' | 't' | 'Z' | 'X' | 'I')
}

fn ticks(count: u64) -> Duration {
    let each = sysconf(SysconfVar::CLK_TCK).ok().flatten().and_then(|hertz| u64::try_from(hertz).ok()).unwrap_or(100);
    Duration::from_micros(count.saturating_mul(1_000_000 / each.max(1)))
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};
    use std::thread;

    use super::*;

    struct Plain(Child);

    impl Watched for Plain {
        fn processes(&self) -> Vec<i32> {
            vec![self.0.id().cast_signed()]
        }

        fn tracer(&self) -> Option<String> {
            // It sleeps like its child.
            Some(self.0.id().to_string())
        }

        fn progress(&self) -> u64 {
            7
        }
    }

    impl Drop for Plain {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn shell(script: &str) -> Plain {
        Plain(Command::new("sh").args(["-c", script]).spawn().unwrap())
    }

    fn outcome(run: &Plain, time: u64, patience: u32) -> (Option<Stopped>, Spent) {
        let mut meter = Meter::start(&Limits { time: Duration::from_millis(time), patience, ..Limits::default() });
        loop {
            let stopped = meter.look(run);
            if stopped.is_some() {
                return (stopped, meter.spent(run));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn who_works_and_who_sleeps_uses_its_time() {
        for script in ["while :; do :; done", "exec sleep 1000"] {
            let (stopped, spent) = outcome(&shell(script), 300, 1000);
            assert_eq!((stopped, spent.stuck), (Some(Stopped::Timeout), true), "{script}");
            assert!(spent.time >= Duration::from_millis(300), "{script}: {spent:?}");
        }
    }

    #[test]
    fn who_gets_no_processor_is_not_blamed() {
        // All that starves it are others on its processor.
        let place = |child: &Plain| {
            let mut set = nix::sched::CpuSet::new();
            let all = nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(0)).unwrap();
            let cpu = (0..nix::sched::CpuSet::count()).find(|cpu| all.is_set(*cpu).unwrap()).unwrap();
            set.set(cpu).unwrap();
            nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(child.0.id().cast_signed()), &set).unwrap();
        };
        let crowd: Vec<Plain> = (0..9).map(|_| shell("while :; do :; done")).collect();
        let starved = shell("while :; do :; done");
        crowd.iter().chain([&starved]).for_each(place);
        let (stopped, spent) = outcome(&starved, 600, 2);
        assert_eq!(stopped, Some(Stopped::Starved), "{spent:?}");
    }
}
