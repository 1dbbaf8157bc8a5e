//! What a recording shows, and whether it may be believed.

use std::path::Path;

use super::{Observation, RunError};
use crate::label::label;
use crate::log::{self, Reply, Step, System, What};
use crate::mark::{Key, VERSION};
use crate::model::{End, Trace};
use crate::record::Recording;
use crate::strace::StraceError;
use crate::window::Window;

/// Reads a recording. `log` is where strace wrote, `program` what was asked for.
pub fn evaluate(recording: Recording, key: &Key, log: &Path, program: &Path) -> Result<Observation, RunError> {
    let stopped = recording.stopped;
    let complaints = complaints(&recording.stderr);
    // strace goes on after such an error, and lines are missing then.
    if let Some(complaint) = complaints.iter().find(|complaint| complaint.starts_with(&*log.to_string_lossy())) {
        return Err(RunError::LogIncomplete { why: format!("strace said `{complaint}`") });
    }
    let steps = match log::read(&recording.log, stopped.is_some()) {
        Err(_) if stopped.is_none() && !recording.log.ends_with(b"\n") => return Err(cut_short(&recording)),
        steps => steps?,
    };
    if stopped.is_none() {
        check_start(&steps, &recording, &complaints, program)?;
    }
    let window = Window::cut(&steps, key);
    if let Some((_, version)) = window.began.as_ref().filter(|(_, version)| *version != VERSION.to_string()) {
        return Err(RunError::ProbeVersion { found: version.clone() });
    }
    let end = match (window.end.clone(), stopped) {
        (Some(end), _) => end,
        (None, Some(_)) => End::Killed("SIGKILL".into()),
        (None, None) => return Err(cut_short(&recording)),
    };
    Ok(Observation {
        trace: Trace { entries: label(&window.steps)?, end },
        raw: from_line(&recording.log, window.began.as_ref().map_or(1, |(line, _)| *line)),
        proof: window.proof,
        began: window.began.is_some(),
        calls: window.calls,
        forged: window.forged,
        missing: window.missing,
        stopped,
        stdout: recording.stdout,
        stderr: recording.stderr,
        elapsed: recording.elapsed,
    })
}

/// What strace itself said, without its name.
fn complaints(stderr: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(stderr);
    text.lines().filter_map(|line| line.strip_prefix("strace: ")).map(String::from).collect()
}

/// The log must begin with a successful execve.
fn check_start(
    steps: &[Step<'_>],
    recording: &Recording,
    complaints: &[String],
    program: &Path,
) -> Result<(), RunError> {
    let reply = steps.first().and_then(|step| match &step.what {
        What::System(System { name: "execve", reply, .. }) => Some(*reply),
        _ => None,
    });
    if let Some(Reply::Number(_)) = reply {
        return Ok(());
    }
    if let Some(Reply::Failed(error)) = reply {
        let why = match error {
            "ENOEXEC" => "the system does not know its format".into(),
            "ENOENT" => "the interpreter or loader that it names does not exist".into(),
            "E2BIG" => "its arguments and environment are too long".into(),
            "EACCES" => "its permissions, or those of its interpreter, forbid it".into(),
            _ => format!("the system says {error}"),
        };
        return Err(RunError::NotExecutable { program: program.into(), why });
    }
    let refused = |complaint: &&String| complaint.to_ascii_lowercase().contains("ptrace");
    if let Some(complaint) = complaints.iter().find(refused) {
        return Err(StraceError::NotPermitted { message: complaint.clone() }.into());
    }
    let message = complaints.last().cloned().unwrap_or_else(|| format!("it ended with {}", recording.status));
    Err(RunError::StraceFailed { message })
}

fn cut_short(recording: &Recording) -> RunError {
    RunError::LogIncomplete { why: format!("strace ended with {}; was it killed, or the disk full?", recording.status) }
}

/// The log from this line on, counted from 1.
fn from_line(log: &[u8], line: usize) -> String {
    let lines = log.split_inclusive(|byte| *byte == b'\n').skip(line.saturating_sub(1));
    lines.map(String::from_utf8_lossy).collect()
}
