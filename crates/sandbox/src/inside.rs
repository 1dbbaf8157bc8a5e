//! The last steps before the program: user, limits, filter.

use std::convert::Infallible;
use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;

use nix::sys::prctl;
use nix::unistd::{chdir, execve, setsid};
use seccompiler::BpfProgram;

use crate::attributes::hand_over;
use crate::filter::{self, Situation};
use crate::policy::{Policy, Tier};
use crate::sys::notify;
use crate::{landlocked, sys};

/// What went wrong, and at which step.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {source}")]
pub struct Failure {
    /// The step.
    pub step: &'static str,
    /// What the system said.
    pub source: io::Error,
}

/// Names the step of a failure.
pub fn at<E: Into<io::Error>>(step: &'static str) -> impl FnOnce(E) -> Failure {
    move |source| Failure { step, source: source.into() }
}

/// Becomes the program. `clerk`: leads to the process that answers its calls.
pub fn become_program(policy: &Policy, clerk: Option<&UnixStream>) -> Result<Infallible, Failure> {
    // Also parts it from any terminal.
    setsid().map_err(at("a session of its own"))?;
    limit(policy).map_err(at("resource limits"))?;
    if let Some(user) = policy.user {
        sys::become_user(user).map_err(at("becoming the box's user"))?;
    }
    prctl::set_no_new_privs().map_err(at("giving up new privileges"))?;
    let landlock = (policy.tier == Tier::Landlock).then(landlocked::available).flatten();
    if policy.tier == Tier::Landlock {
        landlocked::confine(policy).map_err(at("Landlock"))?;
    }
    chdir(policy.folder.as_os_str()).map_err(at("entering its folder"))?;
    let text = |text: &OsStr| CString::new(text.as_bytes()).map_err(io::Error::other);
    let program = text(&policy.program).map_err(at("the program's name"))?;
    let all = std::iter::once(&policy.program).chain(&policy.args);
    let arguments: Vec<_> = all.map(|word| text(word)).collect::<Result<_, _>>().map_err(at("its arguments"))?;
    let mut environment = Vec::with_capacity(policy.environment.len());
    for (name, value) in &policy.environment {
        let mut setting = name.clone();
        setting.push("=");
        setting.push(value);
        environment.push(text(&setting).map_err(at("its environment"))?);
    }
    if let Some(call) = policy.idle {
        sys::idle(call);
    }
    if let Some(filter) = &policy.filter {
        set(&filter::given(filter), "setting the tracer's filter of system calls")?;
    }
    if policy.tier == Tier::None {
        return execve(&program, &arguments, &environment).map_err(at("starting the program"));
    }
    let situation = Situation::of(policy, landlock);
    if situation.is_asked() {
        match (clerk, notify::listen(&filter::asking())) {
            (Some(clerk), Ok(listener)) => hand_over(&listener, clerk).map_err(at("handing over its questions"))?,
            // Some containers let no process be asked.
            _ => set(&filter::refusing(), "setting the filter of attributes")?,
        }
    }
    let filters = filter::programs(situation, std::process::id(), std::os::unix::process::parent_id())
        .map_err(|error| Failure { step: "the filter of system calls", source: io::Error::other(error.to_string()) })?;
    for filter in &filters {
        set(filter, "setting the filter of system calls")?;
    }
    execve(&program, &arguments, &environment).map_err(at("starting the program"))
}

fn set(filter: &BpfProgram, step: &'static str) -> Result<(), Failure> {
    seccompiler::apply_filter(filter).map_err(|error| Failure { step, source: io::Error::other(error.to_string()) })
}

fn limit(policy: &Policy) -> io::Result<()> {
    let limits = &policy.limits;
    let pairs = [
        (libc::RLIMIT_CPU, limits.cpu),
        (libc::RLIMIT_FSIZE, limits.file),
        (libc::RLIMIT_NOFILE, limits.open_files),
        (libc::RLIMIT_NPROC, limits.processes + others(policy)),
        (libc::RLIMIT_CORE, 0),
        (libc::RLIMIT_MSGQUEUE, 0),
        (libc::RLIMIT_MEMLOCK, 1 << 20),
        (libc::RLIMIT_SIGPENDING, 1024),
    ];
    pairs.into_iter().try_for_each(|(resource, value)| sys::limit(resource, value))
}

/// The limit on processes counts all of a user: where the box has no user of its own, those outside have to be allowed for.
fn others(policy: &Policy) -> u64 {
    if policy.user.is_some() {
        return 0;
    }
    use std::os::unix::fs::MetadataExt;
    let me = nix::unistd::getuid().as_raw();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mine = entries
        .filter(|entry| entry.metadata().is_ok_and(|there| there.uid() == me))
        .map(|entry| std::fs::read_dir(entry.path().join("task")).map_or(0, Iterator::count));
    mine.map(|tasks| tasks as u64).sum()
}
