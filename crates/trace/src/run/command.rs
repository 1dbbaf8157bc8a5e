//! The command line of strace, and what the program sees of the environment.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::stage::{PROBE, Stage};
use super::{Environment, Spec, Start};
use crate::mark::Key;
use crate::strace::Strace;

/// All that a program sees in a pinned environment. Nothing that someone has set in a shell must change a verdict: LD_* loads
/// other code, MALLOC_* and GLIBC_TUNABLES change when the C library itself moves the break.
const PINNED: [(&str, &str); 2] = [
    // Messages, and the files that the C library maps to write them, depend on the language.
    ("LC_ALL", "C"),
    // No tunables, said aloud.
    ("GLIBC_TUNABLES", ""),
];

/// Memory and processes; marks come by write, and what a library prints inside a call is of interest too.
pub const WITNESSED: &[&str] = &["trace=%memory,%process,write,writev"];

/// The start of the program, its end, and what a filter refuses.
pub const GLIMPSED: &[&str] = &["trace=execve", "signal=!SIGCHLD"];

/// strace, to run `program` as `spec` says, writing to the log of `stage`; with the probe where there is a key for it.
pub fn strace(strace: &Strace, spec: &Spec, program: &Path, stage: &Stage, key: Option<&Key>) -> Command {
    let mut command = witness(strace, stage, WITNESSED, key.is_some());
    if spec.environment == Environment::Pinned {
        command.env_clear().envs(PINNED);
    }
    // For the program alone: strace itself must not load the probe.
    let mut variables = Vec::new();
    match key {
        Some(key) => variables.extend([("OSMEM_PROBE_KEY", key.as_str().into()), ("LD_PRELOAD", preload(spec))]),
        // Without a value: the program does not see ours.
        None => {
            command.args(["-E", "OSMEM_PROBE_KEY"]);
        }
    }
    variables.push(("LD_LIBRARY_PATH", search_path(spec, stage)));
    for (name, value) in variables {
        let mut setting = OsString::from(name);
        setting.push("=");
        setting.push(value);
        command.arg("-E").arg(setting);
    }
    command.arg("--").arg(program).args(&spec.args);
    command
}

/// strace, to run a command that starts the program; see [`super::Starter`].
pub fn starting(strace: &Strace, command: &[OsString], stage: &Stage, traced: &[&str], origins: bool) -> Command {
    let mut witness = witness(strace, stage, traced, origins);
    witness.env_clear().envs(PINNED).arg("--").args(command);
    witness
}

/// strace without its program.
fn witness(strace: &Strace, stage: &Stage, traced: &[&str], origins: bool) -> Command {
    let mut command = Command::new(&strace.path);
    // Its messages begin with this name, by which we know them in what the program itself writes.
    command.arg0("strace");
    if strace.has_seccomp() {
        // Only the system calls that are traced stop the program.
        command.arg("--seccomp-bpf");
    }
    if origins {
        // The instruction that made each call; without a probe nobody asks, and each stop is cheaper.
        command.arg("-i");
    }
    // All threads and children; no news of strace itself; strings long enough for a mark.
    command.args(["-f", "-q", "-s", "160"]);
    for expression in traced {
        command.args(["-e", expression]);
    }
    command.arg("-o").arg(stage.log());
    command
}

/// The program of `spec` and what it must find in its environment.
pub fn start<'a>(spec: &'a Spec, key: Option<&Key>) -> Start<'a> {
    let mut variables: Vec<(&'static str, OsString)> =
        PINNED.into_iter().map(|(name, value)| (name, value.into())).collect();
    variables.extend(key.map(|key| ("OSMEM_PROBE_KEY", key.as_str().into())));
    Start {
        program: &spec.program,
        args: &spec.args,
        writable: &spec.writable,
        probe: key.is_some().then_some(&*spec.probe),
        library: spec.library.as_deref(),
        variables,
    }
}

fn preload(spec: &Spec) -> OsString {
    // By name, found in the folder of the run.
    joined(&[Some(PROBE.into()), inherited(spec, "LD_PRELOAD")])
}

/// Where the loader looks first. Unlike an older DT_RPATH, the DT_RUNPATH of a program comes after this.
fn search_path(spec: &Spec, stage: &Stage) -> OsString {
    let beside = stage.beside.as_ref().map(|folder| folder.clone().into_os_string());
    joined(&[Some(stage.folder().into()), beside, inherited(spec, "LD_LIBRARY_PATH")])
}

fn inherited(spec: &Spec, name: &str) -> Option<OsString> {
    match spec.environment {
        Environment::Pinned => None,
        Environment::Inherited => env::var_os(name).filter(|value| !value.is_empty()),
    }
}

fn joined(parts: &[Option<OsString>]) -> OsString {
    let parts: Vec<&OsStr> = parts.iter().flatten().map(OsString::as_os_str).collect();
    parts.join(OsStr::new(":"))
}
