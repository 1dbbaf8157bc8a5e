//! Makes the box, watches it, ends it: what `osmem-box` does.
//!
//! Three processes. This one stays outside and watches. With namespaces, a second one is the first in the box: when it ends, the
//! kernel ends all others there. The third becomes the program. If whoever wrote the policy goes away, the box is ended too.

use std::convert::Infallible;
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, Uid, dup2_stdin, getgid, getuid};

use crate::attributes::Clerk;
use crate::inside::{Failure, at, become_program};
use crate::policy::{Message, NO_BOX, Policy, Reached, Tier};
use crate::{mounts, sys, tree};

/// How often memory and disk are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Reads a policy from standard input, and runs its program in a box; the exit status of `osmem-box`.
pub fn run() -> i32 {
    let Ok((policy, mut control)) = read_policy() else {
        eprintln!("osmem-box: wants a policy on standard input; it is started by `osmem grade`, not by hand");
        return NO_BOX;
    };
    match start(&policy, &control) {
        Ok((child, clerk)) => {
            if let Some(reached) = watch(&policy, child, &control, clerk) {
                tell(&mut control, &Message::Limit(reached));
            }
            end(&policy, child);
            0
        }
        Err(failure) => {
            tell(&mut control, &Message::Failed(failure.to_string()));
            NO_BOX
        }
    }
}

fn read_policy() -> io::Result<(Policy, UnixStream)> {
    let mut control = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut text = String::new();
    control.read_to_string(&mut text)?;
    let policy = serde_json::from_str(&text)?;
    let null: OwnedFd = fs::File::open("/dev/null")?.into();
    dup2_stdin(&null)?;
    Ok((policy, control))
}

fn tell(control: &mut UnixStream, message: &Message) {
    // Nobody may be listening any more.
    if let Ok(text) = serde_json::to_vec(message) {
        let _ = control.write_all(&text);
    }
}

/// Starts the box; its first process, and the clerk of a build that needs one.
fn start(policy: &Policy, control: &UnixStream) -> Result<(Pid, Option<Clerk>), Failure> {
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    match policy.tier {
        Tier::Namespaces => {
            let (user, group) = (getuid(), getgid());
            let mut flags = CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS;
            match &policy.network {
                Some(network) => fs::File::open(network)
                    .and_then(|network| Ok(setns(network, CloneFlags::CLONE_NEWNET)?))
                    .map_err(at("entering the network namespace"))?,
                None => flags |= CloneFlags::CLONE_NEWNET,
            }
            if policy.user.is_none() {
                flags |= CloneFlags::CLONE_NEWUSER;
            }
            unshare(flags).map_err(at("namespaces"))?;
            if policy.user.is_none() {
                map_user(user, group.as_raw()).map_err(at("the user namespace"))?;
            }
        }
        Tier::Landlock | Tier::None => prctl::set_child_subreaper(true).map_err(at("becoming the reaper"))?,
    }
    let is_asked = policy.tier == Tier::Landlock && policy.build && policy.user.is_none();
    let ends = is_asked.then(UnixStream::pair).transpose().map_err(at("a way to the box"))?;
    let child = sys::split().map_err(at("fork"))?;
    let Some(child) = child else {
        let failure = match policy.tier {
            Tier::Namespaces => first_in_box(policy, control),
            Tier::Landlock | Tier::None => program(policy, control, ends.as_ref().map(|(_, theirs)| theirs)),
        };
        let Err(failure) = failure;
        give_up(control, &failure)
    };
    // What the memory and the descriptors of this process hold is nobody's business.
    let _ = prctl::set_dumpable(false);
    let clerk = ends.and_then(|(ours, theirs)| {
        // Once their end is closed everywhere, nothing is to come.
        drop(theirs);
        Clerk::hired(&ours, &policy.writable)
    });
    Ok((child, clerk))
}

/// Keeps the numbers of user and group: inside is outside.
fn map_user(user: Uid, group: u32) -> io::Result<()> {
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
}

fn give_up(control: &UnixStream, failure: &Failure) -> ! {
    let copy = control.try_clone();
    if let Ok(mut control) = copy {
        tell(&mut control, &Message::Failed(failure.to_string()));
    }
    sys::leave(NO_BOX)
}

/// The first process of the box: makes the file system, starts the program and waits for it.
fn first_in_box(policy: &Policy, control: &UnixStream) -> Result<Infallible, Failure> {
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(at("following its parent"))?;
    unshare(CloneFlags::CLONE_NEWNS).map_err(at("a mount namespace"))?;
    mounts::build(policy).map_err(at("the file system of the box"))?;
    match sys::split().map_err(at("fork"))? {
        None => {
            let Err(failure) = program(policy, control, None);
            give_up(control, &failure)
        }
        Some(child) => {
            let _ = prctl::set_dumpable(false);
            sys::close_all();
            loop {
                match waitpid(None, None) {
                    Ok(WaitStatus::Exited(ended, _) | WaitStatus::Signaled(ended, ..)) if ended != child => {}
                    Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => sys::leave(0),
                    Err(Errno::ECHILD) => sys::leave(0),
                    Ok(_) | Err(_) => {}
                }
            }
        }
    }
}

/// The process that becomes the program.
fn program(policy: &Policy, control: &UnixStream, clerk: Option<&UnixStream>) -> Result<Infallible, Failure> {
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(at("following its parent"))?;
    // The ways out stay open until the program starts, which closes them.
    let kept: Vec<_> = [Some(control), clerk].into_iter().flatten().map(|end| end.as_raw_fd()).collect();
    sys::close_all_but(&kept);
    become_program(policy, clerk)
}

/// Watches until the first process ends or has to be ended.
fn watch(policy: &Policy, child: Pid, control: &UnixStream, mut clerk: Option<Clerk>) -> Option<Reached> {
    let pidfd = sys::pidfd(child).ok()?;
    let disk = policy.limits.disk;
    let mut looked = Instant::now();
    loop {
        let mut all =
            vec![PollFd::new(pidfd.as_fd(), PollFlags::POLLIN), PollFd::new(control.as_fd(), PollFlags::empty())];
        all.extend(clerk.as_ref().map(|clerk| PollFd::new(clerk.desk(), PollFlags::POLLIN)));
        let patience = PollTimeout::try_from(LOOK).unwrap_or(PollTimeout::ZERO);
        match poll(&mut all, patience) {
            Err(Errno::EINTR) => continue,
            Err(_) => return None,
            Ok(_) => {}
        }
        let happened = |place: usize| all.get(place).and_then(PollFd::revents).unwrap_or(PollFlags::empty());
        if !happened(0).is_empty() || !happened(1).is_empty() {
            return None;
        }
        let asked = happened(2);
        if asked.contains(PollFlags::POLLIN) {
            clerk.iter().for_each(Clerk::answer);
        } else if !asked.is_empty() {
            // There is no one left to ask.
            clerk = None;
        }
        if looked.elapsed() >= LOOK {
            let held = tree::held(Pid::this());
            if held.memory > policy.limits.memory {
                return Some(Reached::Memory);
            }
            // The system itself lets it have no more. Where others of its user come and go, it may let it have fewer.
            if !policy.build && held.tasks * 8 >= policy.limits.processes * 7 {
                return Some(Reached::Processes);
            }
            let written: u64 = policy.writable.iter().map(|folder| tree::disk(Path::new(folder), disk)).sum();
            if written + held.nameless > disk {
                return Some(Reached::Disk);
            }
            looked = Instant::now();
        }
    }
}

/// Ends the box and all in it.
fn end(policy: &Policy, child: Pid) {
    match policy.tier {
        Tier::Namespaces => {
            // It may have ended already.
            let _ = kill(child, Signal::SIGKILL);
            while waitpid(child, None) == Err(Errno::EINTR) {}
        }
        Tier::Landlock | Tier::None => tree::sweep(policy.user),
    }
}
