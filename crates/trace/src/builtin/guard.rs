//! What a traced program must not do to its tracer, nor to get out of its sight.

use std::fs;

use nix::unistd::{Pid, getpgid, getpid};

use super::kernel::Tid;
use super::memory;

/// CLONE_UNTRACED
const UNTRACED: u64 = 0x0080_0000;

/// What a call is, if it must not be made.
pub fn escape(tid: Tid, name: &str, arguments: [u64; 6]) -> Option<&'static str> {
    // In a namespace of processes of its own, numbers mean others.
    attempt(tid, name, arguments).filter(|what| *what == UNTRACED_CLONE || shares_numbers(tid))
}

const UNTRACED_CLONE: &str = "clone with CLONE_UNTRACED";

/// Whether a traced process knows others by the same numbers as we do.
fn shares_numbers(tid: Tid) -> bool {
    let space = |process: &str| fs::read_link(format!("/proc/{process}/ns/pid")).ok();
    space(&tid.to_string()) == space("self")
}

fn attempt(tid: Tid, name: &str, arguments: [u64; 6]) -> Option<&'static str> {
    let [first, second, ..] = arguments;
    let signal = |at: usize| arguments.get(at).is_some_and(|signal| signal & 0xffff_ffff != 0);
    match name {
        // A signal of number 0 asks only whether there is such a process.
        "kill" if signal(1) && reaches_us(tid, int(first)) => Some("kill of the tracer"),
        "tkill" if signal(1) && is_us(int(first)) => Some("tkill of the tracer"),
        "tgkill" if signal(2) && is_us(int(second)) => Some("tgkill of the tracer"),
        "rt_sigqueueinfo" if signal(1) && is_us(int(first)) => Some("rt_sigqueueinfo to the tracer"),
        "rt_tgsigqueueinfo" if signal(2) && is_us(int(second)) => Some("rt_tgsigqueueinfo to the tracer"),
        "pidfd_send_signal" if signal(1) && names_us(tid, int(first)) => Some("pidfd_send_signal to the tracer"),
        "pidfd_open" if is_us(int(first)) => Some("pidfd_open of the tracer"),
        "ptrace" if is_us(int(second)) => Some("ptrace of the tracer"),
        "process_vm_writev" if is_us(int(first)) => Some("process_vm_writev into the tracer"),
        "clone" | "clone3" if flags(tid, name, arguments) & UNTRACED != 0 => Some(UNTRACED_CLONE),
        _ => None,
    }
}

/// The flags of a call that makes a task. Those of clone3 lie in memory, and may be others by the time that the kernel looks at them: what
/// it made is seen all the same.
pub fn flags(tid: Tid, name: &str, arguments: [u64; 6]) -> u64 {
    const VFORK: u64 = 0x4100;
    match name {
        "clone" => arguments[0],
        "clone3" => memory::read_number(tid, arguments[0]).unwrap_or(0),
        "vfork" => VFORK,
        _ => 0,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the kernel looks at the lower half alone")]
fn int(argument: u64) -> i32 {
    argument as i32
}

/// Whether this is a thread of ours.
fn is_us(number: i32) -> bool {
    number > 0 && (number == getpid().as_raw() || fs::exists(format!("/proc/self/task/{number}")).unwrap_or(false))
}

/// Whether kill with this first argument reaches us.
fn reaches_us(tid: Tid, number: i32) -> bool {
    let group = || getpgid(None).ok();
    match number {
        -1 => true,
        0 => getpgid(Some(Pid::from_raw(tid))).ok() == group(),
        ..0 => number.checked_neg().map(Pid::from_raw) == group(),
        _ => is_us(number),
    }
}

/// Whether this descriptor of a traced process stands for us.
fn names_us(tid: Tid, descriptor: i32) -> bool {
    let us = getpid();
    let folder = fs::read_link(format!("/proc/{tid}/fd/{descriptor}"));
    let info = fs::read_to_string(format!("/proc/{tid}/fdinfo/{descriptor}"));
    folder.is_ok_and(|folder| folder.as_os_str() == format!("/proc/{us}").as_str())
        || info.is_ok_and(|info| {
            info.lines().any(|line| line.strip_prefix("Pid:").map(str::trim) == Some(&us.to_string()))
        })
}
