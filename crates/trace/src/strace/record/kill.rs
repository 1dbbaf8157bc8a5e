//! Ending a run: strace and everything that it traces.

use std::fs;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::News;

/// How long strace may take to see that all its tracees are dead.
const GRACE: Duration = Duration::from_millis(500);

/// Between two looks for tracees.
const PAUSE: Duration = Duration::from_millis(2);

/// Kills all tracees, wherever they went (another session, stopped, asleep), then waits for strace or kills it too.
///
/// strace goes last because the kernel lets tracees live on when it goes first, and because it then writes down how they
/// ended. A fork between two looks is seen by the next one, since strace traces the child as well.
pub fn tracees_then_strace(strace: Pid, news: &Receiver<News>) {
    let start = Instant::now();
    while start.elapsed() < GRACE {
        for tracee in tracees(strace) {
            // It may have ended just now.
            let _ = kill(tracee, Signal::SIGKILL);
        }
        if has_ended(news, PAUSE) {
            return;
        }
    }
    let _ = kill(strace, Signal::SIGKILL);
    while !has_ended(news, GRACE) {}
}

/// Kills what is left of strace's process group.
pub fn group(strace: Pid) {
    // No such group is the usual case.
    let _ = killpg(strace, Signal::SIGKILL);
}

/// Whether strace has ended, or does so within `patience`.
pub fn has_ended(news: &Receiver<News>, patience: Duration) -> bool {
    let start = Instant::now();
    loop {
        match news.recv_timeout(patience.saturating_sub(start.elapsed())) {
            Ok(News::Flood) => {}
            Err(RecvTimeoutError::Timeout) => return false,
            Ok(News::Ended) | Err(RecvTimeoutError::Disconnected) => return true,
        }
    }
}

/// The processes that `strace` traces, as the kernel tells.
pub fn tracees(strace: Pid) -> Vec<Pid> {
    let wanted = format!("TracerPid:\t{strace}");
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id: &i32| {
        let status = fs::read_to_string(format!("/proc/{id}/status"));
        status.is_ok_and(|status| status.lines().any(|line| line == wanted))
    })
    .map(Pid::from_raw)
    .collect()
}
