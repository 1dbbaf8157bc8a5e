//! Which system calls are let through: those of a list (`allowed`), as far as their arguments are harmless. Others are not there.
//!
//! What a program has no business with raises SIGSYS: the tracer outside sees which call it was, and the program ends unless it
//! handles the signal. The filters are stacked; of their answers the kernel takes the strictest.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};

use crate::policy::{Instruction, Policy, Tier};

mod allowed;

pub use allowed::{asking, name, refusing};

/// Calls that no program in a box makes by right.
const FORBIDDEN: &[c_long] = &[
    // Other processes' memory, descriptors and secrets.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    // Another view of the system.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    // Doors into the kernel.
    libc::SYS_bpf,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_lookup_dcookie,
    libc::SYS_seccomp,
    // The machine itself.
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    // What outlives its process, or is shared by all.
    libc::SYS_shmget,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
];

#[cfg(target_arch = "x86_64")]
const FORBIDDEN_HERE: &[c_long] = &[libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt, libc::SYS_kexec_file_load];
#[cfg(not(target_arch = "x86_64"))]
const FORBIDDEN_HERE: &[c_long] = &[libc::SYS_kexec_file_load];

/// Flags of `clone` that take a process out of the tracer's sight, or into namespaces of its own.
const FORBIDDEN_FLAGS: [i32; 9] = [
    libc::CLONE_UNTRACED,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    // CLONE_NEWTIME
    0x80,
];

/// Requests of `ioctl` that write into a terminal's input.
const FORBIDDEN_REQUESTS: [u64; 2] = [libc::TIOCSTI, libc::TIOCLINUX];

/// Requests of `ioctl` that are let through: what is asked of terminals and files, and copies of files. Others change attributes of files
/// by a descriptor that only reads.
const REQUESTS: [u64; 13] = [
    0x5401,      // TCGETS
    0x802c_542a, // TCGETS2
    0x540f,      // TIOCGPGRP
    0x5413,      // TIOCGWINSZ
    0x541b,      // FIONREAD
    0x5421,      // FIONBIO
    0x5450,      // FIONCLEX
    0x5451,      // FIOCLEX
    0x5460,      // FIOQSIZE
    0xc020_660b, // FS_IOC_FIEMAP
    0x8008_6601, // FS_IOC_GETFLAGS
    0x4004_9409, // FICLONE
    0x4020_940d, // FICLONERANGE
];

/// Requests of `fcntl` that make others wait, or get news of a folder, by a descriptor that only reads.
const BY_READING: [u64; 4] = [
    1024, // F_SETLEASE
    1026, // F_NOTIFY
    1036, // F_SET_RW_HINT
    1038, // F_SET_FILE_RW_HINT
];

/// Changes of owners, which Landlock does not see.
const OWNERS: &[&str] = &["chown", "fchown", "lchown", "fchownat"];

/// Calls that reach another process by its number, in their first argument.
const BY_PROCESS: &[c_long] = &[
    libc::SYS_prlimit64,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setattr,
];

/// Signals by number of process, in the first argument.
const SIGNALS: &[c_long] =
    &[libc::SYS_kill, libc::SYS_tkill, libc::SYS_tgkill, libc::SYS_rt_sigqueueinfo, libc::SYS_rt_tgsigqueueinfo];

/// The number by which `kill` reaches all processes that it may.
const EVERYONE: u32 = u32::MAX;

/// What the filters have to know of the box.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    pub tier: Tier,
    pub build: bool,
    /// It runs as the user who also owns what lies outside.
    pub same_user: bool,
    /// Signals to processes outside are stopped by something else.
    pub signals_kept_in: bool,
    /// The system keeps `truncate` from files that may not be written.
    pub truncation_kept_in: bool,
}

/// The calls that change attributes of files, and are decided one by one where a build runs as the user who owns what lies outside.
pub const DECIDED: &[&str] = &["chmod", "fchmod", "fchmodat", "fchmodat2", "utimensat"];

impl Situation {
    pub fn of(policy: &Policy, landlock: Option<crate::landlocked::Kept>) -> Self {
        let spaces = policy.tier != Tier::Landlock;
        Self {
            tier: policy.tier,
            build: policy.build,
            same_user: policy.user.is_none(),
            signals_kept_in: spaces || policy.user.is_some() || landlock.is_some_and(|kept| kept.signals),
            truncation_kept_in: spaces || landlock.is_some_and(|kept| kept.truncation),
        }
    }

    /// Returns whether the system would let the program change files that Landlock only lets it read.
    fn is_unseen(self) -> bool {
        self.tier == Tier::Landlock && self.same_user
    }

    /// Returns whether [`DECIDED`] is put to the process outside.
    pub fn is_asked(self) -> bool {
        self.build && self.is_unseen()
    }
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The filters, in the order in which they are to be set.
///
/// `process` and `parent`: the numbers of the program and of what it is a child of, as it sees them.
pub fn programs(situation: Situation, process: u32, parent: u32) -> Result<Vec<BpfProgram>, Error> {
    let errno = |number: i32| SeccompAction::Errno(u32::try_from(number).unwrap_or(1));
    // Each filter costs the start of a program a noticeable part of a millisecond.
    let mut programs = vec![allowed::program(situation.build)];
    programs.push(filter(refused(situation)?, errno(libc::EPERM))?);
    if !situation.signals_kept_in {
        programs.push(filter(signals(process)?, errno(libc::EPERM))?);
    }
    if situation.build {
        let mut services = Rules::new();
        services.insert(libc::SYS_socket, vec![is(0, u64::from(libc::AF_UNIX.unsigned_abs()))?]);
        programs.push(filter(services, errno(libc::EACCES))?);
    }
    // Last, since it forbids to set any more.
    programs.push(filter(forbidden(situation, parent)?, SeccompAction::Trap)?);
    Ok(programs)
}

/// A filter that somebody else has made.
pub fn given(instructions: &[Instruction]) -> BpfProgram {
    instructions.iter().map(|&(code, jt, jf, k)| sock_filter { code, jt, jf, k }).collect()
}

fn filter(rules: Rules, action: SeccompAction) -> Result<BpfProgram, Error> {
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, arch()).map_err(Error::Backend)?;
    filter.try_into().map_err(Error::Backend)
}

#[cfg(target_arch = "x86_64")]
fn arch() -> TargetArch {
    TargetArch::x86_64
}

#[cfg(target_arch = "aarch64")]
fn arch() -> TargetArch {
    TargetArch::aarch64
}

fn every(calls: &[c_long]) -> Rules {
    calls.iter().map(|call| (*call, Vec::new())).collect()
}

fn forbidden(situation: Situation, parent: u32) -> Result<Rules, Error> {
    let mut rules = every(FORBIDDEN);
    rules.extend(every(FORBIDDEN_HERE));
    let flag = |flag: i32| holds(0, u64::from(flag.unsigned_abs()));
    rules.insert(libc::SYS_clone, FORBIDDEN_FLAGS.into_iter().map(flag).collect::<Result<_, _>>()?);
    rules.insert(
        libc::SYS_ioctl,
        FORBIDDEN_REQUESTS.into_iter().map(|request| is(1, request)).collect::<Result<_, _>>()?,
    );
    rules.insert(libc::SYS_prctl, vec![is(0, u64::from(libc::PR_SET_SECCOMP.unsigned_abs()))?]);
    // 0xffffffff only asks.
    rules.insert(libc::SYS_personality, vec![is_not(0, 0xffff_ffff)?]);
    if !situation.build {
        // It reaches neither, but a library that tries is told apart from one that only errs.
        for call in SIGNALS.iter().chain(&[libc::SYS_pidfd_open]) {
            rules.insert(*call, vec![is(0, u64::from(parent))?]);
        }
        rules.insert(libc::SYS_kill, vec![is(0, u64::from(parent))?, is(0, u64::from(EVERYONE))?]);
    }
    let unix = u64::from(libc::AF_UNIX.unsigned_abs());
    rules.insert(libc::SYS_socketpair, vec![is_not(0, unix)?]);
    // No filter sees addresses, so that there are no sockets at all.
    rules.insert(libc::SYS_socket, if situation.build { vec![is_not(0, unix)?] } else { Vec::new() });
    Ok(rules)
}

fn refused(situation: Situation) -> Result<Rules, Error> {
    let mut rules = Rules::new();
    let other = REQUESTS.iter().chain(&FORBIDDEN_REQUESTS).map(|request| condition(1, SeccompCmpOp::Ne, *request));
    let other = SeccompRule::new(other.collect::<Result<_, _>>()?).map_err(Error::Backend)?;
    rules.insert(libc::SYS_ioctl, vec![other]);
    rules.insert(libc::SYS_fcntl, BY_READING.into_iter().map(|request| is(1, request)).collect::<Result<_, _>>()?);
    // One without a stream can send to whatever has a name outside.
    let kind = |kind: i32| rule(1, SeccompCmpOp::MaskedEq(0xf), u64::from(kind.unsigned_abs()));
    rules.insert(libc::SYS_socketpair, vec![kind(libc::SOCK_DGRAM)?, kind(libc::SOCK_RAW)?]);
    if situation.is_unseen() {
        for call in BY_PROCESS {
            rules.insert(*call, vec![is_not(0, 0)?]);
        }
        rules.insert(libc::SYS_setpriority, Vec::new());
        rules.extend(allowed::numbers(OWNERS).map(|call| (i64::from(call), Vec::new())));
    }
    if !situation.truncation_kept_in {
        rules.extend(every(&[libc::SYS_truncate]));
    }
    Ok(rules)
}

fn signals(process: u32) -> Result<Rules, Error> {
    let mut rules: Rules = every(&[libc::SYS_pidfd_send_signal, libc::SYS_pidfd_open]);
    for call in SIGNALS {
        rules.insert(*call, vec![is_not(0, u64::from(process))?]);
    }
    Ok(rules)
}

fn condition(argument: u8, compare: SeccompCmpOp, value: u64) -> Result<SeccompCondition, Error> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compare, value).map_err(Error::Backend)
}

fn rule(argument: u8, compare: SeccompCmpOp, value: u64) -> Result<SeccompRule, Error> {
    SeccompRule::new(vec![condition(argument, compare, value)?]).map_err(Error::Backend)
}

fn is(argument: u8, value: u64) -> Result<SeccompRule, Error> {
    rule(argument, SeccompCmpOp::Eq, value)
}

fn is_not(argument: u8, value: u64) -> Result<SeccompRule, Error> {
    rule(argument, SeccompCmpOp::Ne, value)
}

fn holds(argument: u8, bit: u64) -> Result<SeccompRule, Error> {
    rule(argument, SeccompCmpOp::MaskedEq(bit), bit)
}
