//! Starting strace where and how it shall run.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::personality::{self, Persona};
use nix::unistd::Pid;

/// Where a process runs and how its address space is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Placement {
    /// The kernel lays out the address space at random.
    pub aslr: bool,
    /// The only CPU to run on.
    pub cpu: Option<usize>,
}

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

/// Both are wishes: a verdict depends on neither, and a container may refuse them.
fn place(placement: Placement) {
    if let Some(cpu) = placement.cpu {
        let mut set = CpuSet::new();
        let _ = set.set(cpu).and_then(|()| sched_setaffinity(Pid::from_raw(0), &set));
    }
    let _ = personality::get().and_then(|mut persona| {
        persona.set(Persona::ADDR_NO_RANDOMIZE, !placement.aslr);
        personality::set(persona)
    });
}
