//! Starting strace where and how it shall run.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::place::{Placement, place};

/// Starts `command` in a process group of its own, its output to be read by us.
///
/// Affinity and personality belong to a thread and pass to its children. A thread made for this takes them, so that the
/// caller's stays as it is, and no code has to run between fork and exec.
pub fn spawn(mut command: Command, input: Stdio, placement: Placement) -> io::Result<Child> {
    command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let spawning = thread::spawn(move || {
        place(placement);
        command.spawn()
    });
    spawning.join().unwrap_or_else(|_| Err(io::Error::other("the thread that starts strace panicked")))
}
