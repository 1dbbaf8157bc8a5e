//! The filter of system calls by which the kernel stops a traced thread, and what its stops mean.

use libc::c_long;
use syscalls::Sysno;

use super::arch::{FOREIGN_FROM, NATIVE};
use super::kernel::CallInfo;
use crate::spec::Instruction;
use crate::traced;
use crate::tracer::Watch;

/// What the filter gives with a stop at a call that is watched. Other filters of the program may stop it too, with numbers of their own.
pub const WATCHED: u32 = 0x6f73;
/// What it gives with a call of another architecture.
pub const FOREIGN: u32 = 0x6f74;

/// Calls that are not recorded, but by which a program could get at the tracer.
const GUARDED: &[&str] = &["ptrace", "pidfd_open", "pidfd_send_signal", "process_vm_writev"];

// Offsets in what a filter gets, see seccomp(2).
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const LAST_ARGUMENT: u32 = 16 + 5 * 8;

const LOAD: u16 = 0x20;
const EQUAL: u16 = 0x15;
const GREATER_OR_EQUAL: u16 = 0x35;
const RETURN: u16 = 0x06;

/// The filter that a program starts with. An execve with this secret as its sixth argument, which the kernel does not look at, passes: it
/// starts the program.
///
/// Where a probe is to speak, and the filter is not wanted whole, the calls that only concern memory come later, by [`later`]: what the loader does before it is of no interest,
/// and makes two thirds of all that would stop the program.
pub fn first(watch: Watch<'_>, secret: u64, whole: bool) -> Vec<Instruction> {
    // Low and high half, wherever the machine has which.
    let halves = secret.to_ne_bytes();
    let (halves, _) = halves.as_chunks::<4>();
    let half = |at: usize| halves.get(at).map_or(0, |bytes| u32::from_ne_bytes(*bytes));
    let pass = [
        (EQUAL, 0, 5, number(libc::SYS_execve)),
        (LOAD, 0, 0, LAST_ARGUMENT),
        (EQUAL, 0, 3, half(0)),
        (LOAD, 0, 0, LAST_ARGUMENT + 4),
        (EQUAL, 0, 1, half(1)),
        (RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
        (LOAD, 0, 0, NUMBER),
    ];
    let numbers: Vec<u32> = match watch {
        Watch::End => vec![number(libc::SYS_execve)],
        Watch::Calls(_) if !whole => numbers(traced::OTHERS.iter().chain(GUARDED).copied()),
        Watch::Calls(_) | Watch::Marks(_) => numbers(traced::names().chain(GUARDED.iter().copied())),
    };
    program(&pass, &numbers)
}

/// The filter that is added once the probe has spoken.
pub fn later() -> Vec<Instruction> {
    program(&[], &numbers(traced::MEMORY.iter().copied()))
}

/// A filter that stops at these calls.
fn program(before: &[Instruction], numbers: &[u32]) -> Vec<Instruction> {
    let trace = |data: u32| libc::SECCOMP_RET_TRACE | data;
    let mut filter =
        vec![(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, NATIVE), (RETURN, 0, 0, trace(FOREIGN)), (LOAD, 0, 0, NUMBER)];
    if let Some(from) = FOREIGN_FROM {
        filter.extend([(GREATER_OR_EQUAL, 0, 1, from), (RETURN, 0, 0, trace(FOREIGN))]);
    }
    filter.extend(before);
    for (place, call) in numbers.iter().enumerate() {
        // Over the rest of the list, and what lets the others pass.
        let jump = u8::try_from(numbers.len() - place).unwrap_or(u8::MAX);
        filter.push((EQUAL, jump, 0, *call));
    }
    filter.extend([(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW), (RETURN, 0, 0, trace(WATCHED))]);
    filter
}

/// The numbers of these calls; the name of what this machine does not have is no number here.
fn numbers(names: impl Iterator<Item = &'static str>) -> Vec<u32> {
    names.filter_map(|name| name.parse::<Sysno>().ok()).map(|call| number(call.id().into())).collect()
}

fn number(call: c_long) -> u32 {
    u32::try_from(call).unwrap_or(u32::MAX)
}

/// The kernel's name of a call.
pub fn name(number: u64) -> Option<&'static str> {
    usize::try_from(number).ok().and_then(Sysno::new).map(|call| call.name())
}

/// Whether a call is watched only lest it reach the tracer.
pub fn is_guarded(name: &str) -> bool {
    GUARDED.contains(&name)
}

/// Whether a call is one of those that the filter would stop at; for systems without filters.
pub fn is_watched(info: &CallInfo) -> bool {
    is_foreign(info)
        || name(info.number()).is_some_and(|name| is_guarded(name) || traced::names().any(|known| known == name))
}

/// Whether a call belongs to another architecture.
pub fn is_foreign(info: &CallInfo) -> bool {
    info.arch != NATIVE || FOREIGN_FROM.is_some_and(|from| info.number() >= from.into())
}
