//! Watches a run from outside: its output, its limits, and whether someone wants it to end.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::shared::Shared;
use crate::meter::{Meter, Spent};
use crate::spec::{Ask, Cancel, Limits, Stopped};
use crate::tail::Tail;

/// How often cancel flag and memory are looked at. The end of a run is seen at once.
const LOOK: Duration = Duration::from_millis(10);
/// How long a starter may take to end what it started.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long those who were killed may take to end. Longer than any honest end, on a busy machine too.
const LAST: Duration = Duration::from_secs(20);
/// Between two tries to kill what is left.
const PAUSE: Duration = Duration::from_millis(2);

/// A stream of the program: its last bytes are kept.
pub struct Stream {
    /// `None` once it has ended.
    file: Option<File>,
    tail: Tail,
}

impl Stream {
    /// Takes the reading end of a pipe.
    pub fn new(pipe: OwnedFd, longest: usize) -> nix::Result<Self> {
        fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(Self { file: Some(pipe.into()), tail: Tail::new(longest) })
    }

    /// Reads what is there.
    fn read(&mut self, buffer: &mut [u8]) {
        while let Some(file) = &mut self.file {
            match file.read(buffer) {
                Ok(0) => self.file = None,
                Ok(length) => {
                    self.tail.add(&buffer[..length]);
                    // No more at a time: a program that never stops writing must not keep anything else from being seen.
                    return;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) => self.file = None,
            }
        }
    }

    /// The last bytes.
    pub fn finish(self) -> Vec<u8> {
        self.tail.last().to_vec()
    }
}

/// Watches until `done` is closed from its other end; the time that counts.
pub fn watch(
    streams: &mut [Stream; 2],
    done: &OwnedFd,
    shared: &Shared,
    limits: &Limits,
    cancel: &Cancel,
    ask: Option<Ask>,
) -> Spent {
    let mut meter = Meter::start(limits);
    let mut spent = None;
    let mut buffer = vec![0; 1 << 14];
    let mut ending = Ending { ask, since: None, killed: None };
    let mut looked = Instant::now();
    loop {
        let patience = match shared.stopped() {
            Some(_) => ending.go_on(shared),
            None => LOOK.min(limits.time),
        };
        let ended = wait(streams, done, patience);
        for stream in &mut *streams {
            stream.read(&mut buffer);
        }
        if ended {
            break;
        }
        if streams.iter().any(|stream| stream.tail.total() > limits.output) {
            shared.stop(Stopped::OutputLimit);
        }
        if let (None, Some(why)) = (shared.stopped(), meter.look(shared)) {
            shared.stop(why);
        }
        if shared.stopped().is_some() {
            // Before its end, for then it makes its last step.
            spent.get_or_insert_with(|| meter.spent(shared));
        }
        if cancel.is_cancelled() {
            shared.stop(Stopped::Cancelled);
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            if shared.memory() > limits.memory {
                shared.stop(Stopped::MemoryLimit);
            }
        }
    }
    // What is still in the pipes.
    for stream in streams {
        let mut before = u64::MAX;
        while stream.tail.total() != before && stream.tail.total() <= limits.output {
            before = stream.tail.total();
            stream.read(&mut buffer);
        }
    }
    spent.unwrap_or_else(|| meter.spent(shared))
}

/// Waits for news; whether all is over.
fn wait(streams: &[Stream; 2], done: &OwnedFd, patience: Duration) -> bool {
    let mut list = vec![PollFd::new(done.as_fd(), PollFlags::POLLIN)];
    list.extend(
        streams.iter().filter_map(|stream| Some(PollFd::new(stream.file.as_ref()?.as_fd(), PollFlags::POLLIN))),
    );
    // A millisecond more, or it would return again and again just before the time is over.
    let patience = PollTimeout::try_from(patience + Duration::from_millis(1)).unwrap_or(PollTimeout::ZERO);
    // Where it fails, the next turn asks again.
    let _ = poll(&mut list, patience);
    list.first().and_then(|done| done.revents()).is_some_and(|events| !events.is_empty())
}

/// The end of a run that has to end.
struct Ending {
    ask: Option<Ask>,
    since: Option<Instant>,
    /// When they were killed first.
    killed: Option<Instant>,
}

impl Ending {
    /// Does what is to be done now; how long to wait before it is done again.
    fn go_on(&mut self, shared: &Shared) -> Duration {
        if let Some(ask) = self.ask.take() {
            ask();
            self.since = Some(Instant::now());
        }
        if self.since.is_none_or(|since| since.elapsed() > PATIENCE) {
            shared.kill_all();
            if self.killed.get_or_insert_with(Instant::now).elapsed() > LAST {
                shared.abandon();
            }
        }
        PAUSE
    }
}
