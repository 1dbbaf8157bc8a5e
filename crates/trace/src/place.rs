//! Where a program runs, and how its address space is laid out.

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

/// Puts the calling thread, and what it starts from now on, in its place.
///
/// Both are wishes: a verdict depends on neither, and a container may refuse them.
pub fn place(placement: Placement) {
    if let Some(cpu) = placement.cpu {
        let mut set = CpuSet::new();
        let _ = set.set(cpu).and_then(|()| sched_setaffinity(Pid::from_raw(0), &set));
    }
    let _ = personality::get().and_then(|mut persona| {
        persona.set(Persona::ADDR_NO_RANDOMIZE, !placement.aslr);
        personality::set(persona)
    });
}
