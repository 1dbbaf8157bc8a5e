//! Running strace, within limits.
//!
//! Promises that when [`record`] returns, strace and all that it traced are gone, and that the caller's thread is as it was.

mod kill;
mod output;
mod spawn;

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use crate::meter::{Meter, Spent, Watched};
use crate::place::Placement;
use crate::spec::{Ask, Cancel, Limits, Stopped};
use output::Drain;

/// What strace has left of a run that is over.
#[derive(Debug)]
pub struct Log {
    /// What it wrote; the last line may be incomplete if the run was stopped.
    pub text: Vec<u8>,
    /// The last bytes of standard output.
    pub stdout: Vec<u8>,
    /// The last bytes of standard error: the program's and strace's own.
    pub stderr: Vec<u8>,
    /// We ended the run.
    pub stopped: Option<Stopped>,
    /// strace's status.
    pub status: ExitStatus,
    /// The time that counts.
    pub spent: Spent,
    /// From the start of strace to its end.
    pub elapsed: Duration,
}

/// What the threads that wait have to tell.
enum News {
    /// strace is gone, but not yet reaped: its process id still means it.
    Ended,
    /// The program wrote more than [`Limits::output`].
    Flood,
}

/// How often log size and cancel flag are looked at. The end of a run is seen at once.
const LOOK: Duration = Duration::from_millis(10);

/// How long whatever started the program may take to end it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether strace has ended, there being nothing left to trace, since `ask` was called.
fn asked_to_end(ask: Option<Ask>, news: &Receiver<News>) -> bool {
    ask.is_some_and(|ask| {
        ask();
        kill::has_ended(news, PATIENCE)
    })
}

/// Runs `strace`, a command that writes to `log` and reads `input`, until it ends or has to be ended: by `ask` if that works, else by
/// signals.
pub fn record(
    strace: Command,
    input: Stdio,
    log: &Path,
    limits: &Limits,
    placement: Placement,
    cancel: &Cancel,
    ask: Option<Ask>,
) -> io::Result<Log> {
    let start = Instant::now();
    let mut child = spawn::spawn(strace, input, placement)?;
    let pid = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
    let (sender, news) = channel();
    let stdout = Drain::start(child.stdout.take(), limits, sender.clone());
    let stderr = Drain::start(child.stderr.take(), limits, sender.clone());
    let waiting = thread::spawn(move || wait_for(pid, &sender));

    let run = Traced { strace: pid, log, scanned: RefCell::default() };
    let (stopped, spent) = watch(&news, &run, limits, cancel);
    if stopped.is_some() && !asked_to_end(ask, &news) {
        kill::tracees_then_strace(pid, &news);
    }
    let elapsed = start.elapsed();
    // Whoever lost its tracer: strace itself may have been killed. Its zombie keeps the group's number from being used again.
    kill::group(pid);
    // The thread cannot panic, and has nothing to return.
    let _ = waiting.join();
    let status = child.wait()?;
    let (text, whole) = read_at_most(log, limits.log)?;
    let stopped = if whole { stopped } else { stopped.or(Some(Stopped::LogLimit)) };
    Ok(Log { text, stdout: stdout.finish(), stderr: stderr.finish(), stopped, status, spent, elapsed })
}

/// Waits for strace without reaping it.
fn wait_for(pid: Pid, news: &Sender<News>) {
    while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(Errno::EINTR) {}
    // Nobody listens any more if the run was given up.
    let _ = news.send(News::Ended);
}

/// Watches the run; `None` if it ended by itself. Also the time that counts.
fn watch(news: &Receiver<News>, run: &Traced<'_>, limits: &Limits, cancel: &Cancel) -> (Option<Stopped>, Spent) {
    let mut meter = Meter::start(limits);
    let stopped = loop {
        match news.recv_timeout(LOOK.min(limits.time)) {
            Ok(News::Ended) | Err(RecvTimeoutError::Disconnected) => break None,
            Ok(News::Flood) => break Some(Stopped::OutputLimit),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if cancel.is_cancelled() {
            break Some(Stopped::Cancelled);
        }
        if run.progress() > limits.log {
            break Some(Stopped::LogLimit);
        }
        if let Some(why) = meter.look(run) {
            break Some(why);
        }
    };
    (stopped, meter.spent(run))
}

/// What strace traces.
struct Traced<'a> {
    strace: Pid,
    log: &'a Path,
    scanned: RefCell<Option<(Instant, Vec<i32>)>>,
}

/// How long a list of the traced processes serves: to make it, every process of the machine is looked at.
const SERVES: Duration = Duration::from_millis(200);

impl Watched for Traced<'_> {
    fn processes(&self) -> Vec<i32> {
        let mut scanned = self.scanned.borrow_mut();
        if let Some((when, known)) = &*scanned
            && when.elapsed() < SERVES
        {
            return known.clone();
        }
        let known: Vec<i32> = kill::tracees(self.strace).into_iter().map(Pid::as_raw).collect();
        *scanned = Some((Instant::now(), known.clone()));
        known
    }

    fn tracer(&self) -> Option<String> {
        Some(self.strace.to_string())
    }

    fn progress(&self) -> u64 {
        self.log.metadata().map_or(0, |log| log.len())
    }
}

/// The first `limit` bytes (none where strace was ended before it made the file), and whether they are all.
fn read_at_most(log: &Path, limit: u64) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    match File::open(log) {
        Ok(mut file) => {
            file.by_ref().take(limit).read_to_end(&mut bytes)?;
            Ok((bytes, file.read(&mut [0])? == 0))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((bytes, true)),
        Err(error) => Err(error),
    }
}
