//! The command line of strace.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::find::Strace;
use crate::environment::{KEY, PINNED, own};
use crate::spec::{Environment, Spec};
use crate::stage::Stage;
use crate::traced;
use crate::tracer::Watch;

/// strace, to run `program` as `spec` says, writing to the log of `stage`; with the probe where there is a key for it.
pub fn strace(
    strace: &Strace,
    spec: &Spec,
    program: &Path,
    stage: &Stage,
    watch: Watch<'_>,
    extra: &[String],
) -> Command {
    let key = watch.probe_key();
    let mut command = witness(strace, stage, watch, extra);
    if spec.environment == Environment::Pinned {
        command.env_clear().envs(PINNED);
    }
    if key.is_none() {
        // Without a value: the program does not see ours.
        command.args(["-E", KEY]);
    }
    // For the program alone: strace itself must not load the probe.
    for (name, value) in own(spec, stage, key) {
        let mut setting = OsString::from(name);
        setting.push("=");
        setting.push(value);
        command.arg("-E").arg(setting);
    }
    command.arg("--").arg(program).args(&spec.args);
    command
}

/// strace, to run a command that starts the program; see [`crate::spec::Starter`].
pub fn starting(strace: &Strace, command: &[OsString], stage: &Stage, watch: Watch<'_>, extra: &[String]) -> Command {
    let mut witness = witness(strace, stage, watch, extra);
    witness.env_clear().envs(PINNED).arg("--").args(command);
    witness
}

/// strace without its program.
fn witness(strace: &Strace, stage: &Stage, watch: Watch<'_>, extra: &[String]) -> Command {
    let mut command = Command::new(&strace.path);
    // Its messages begin with this name, by which we know them in what the program itself writes.
    command.arg0("strace");
    if strace.has_seccomp() {
        // Only the system calls that are traced stop the program.
        command.arg("--seccomp-bpf");
    }
    if matches!(watch, Watch::Calls(_)) {
        // The instruction that made each call; without a probe nobody asks, and each stop is cheaper.
        command.arg("-i");
    }
    // All threads and children; no news of strace itself; strings long enough for a mark.
    command.args(["-f", "-q", "-s"]).arg(traced::LONGEST_TEXT.to_string());
    match watch {
        Watch::Calls(_) | Watch::Marks(_) => {
            // With a question mark: not every machine has all of them.
            let names: Vec<String> = traced::names().map(|name| format!("?{name}")).collect();
            command.arg("-e").arg(format!("trace={}", names.join(",")));
        }
        // The start of the program, its end, and what a filter refuses.
        Watch::End => {
            command.args(["-e", "trace=execve", "-e", "signal=!SIGCHLD"]);
        }
    }
    command.args(extra).arg("-o").arg(stage.log());
    command
}
