//! Whether a log may be believed.

use std::path::Path;

use super::record::Log;
use crate::error::{RunError, StraceError};
use crate::log::{self, Reply, Step, System, What};
use crate::stage::not_executable;

/// Checks a log without reading all of it: strace had no trouble with its log, which begins with the start of the
/// program and ends with a whole line.
pub fn log(written: &Log, file: &Path, program: &Path) -> Result<(), RunError> {
    let complaints = complaints(written, file)?;
    if written.stopped.is_some() {
        return Ok(());
    }
    if !written.text.is_empty() && !written.text.ends_with(b"\n") {
        return Err(cut_short(written));
    }
    let steps = log::read(first_call(&written.text), false)?;
    start(&steps, written, &complaints, program)?;
    let process = steps.first().map(|step| step.thread);
    if process.is_some_and(|process| ends(&written.text, process)) { Ok(()) } else { Err(cut_short(written)) }
}

/// The lines of the first call: two where the line of another process, left out since, came in between.
fn first_call(log: &[u8]) -> &[u8] {
    let mut lines = log.split_inclusive(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let rest = if first.ends_with(b"<unfinished ...>\n") { lines.next().unwrap_or_default() } else { &[] };
    &log[..first.len() + rest.len()]
}

/// Whether the log says how this process ended. Usually it is the last to end.
fn ends(log: &[u8], process: u32) -> bool {
    let is_end = |line: &[u8]| match log::read(line, false).as_deref() {
        Ok([Step { thread, what: What::Exited(_) | What::Killed(_), .. }]) => *thread == process,
        _ => false,
    };
    log.split_inclusive(|byte| *byte == b'\n').rev().any(|line| line.ends_with(b" +++\n") && is_end(line))
}

/// What strace itself said, without its name; an error where it could not write `file`.
pub fn complaints(written: &Log, file: &Path) -> Result<Vec<String>, RunError> {
    let text = String::from_utf8_lossy(&written.stderr);
    let complaints: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("strace: ")).map(String::from).collect();
    // strace goes on after such an error, and lines are missing then.
    match complaints.iter().find(|complaint| complaint.starts_with(&*file.to_string_lossy())) {
        Some(complaint) => Err(RunError::LogIncomplete { why: format!("strace said `{complaint}`") }),
        None => Ok(complaints),
    }
}

/// The log must begin with a successful execve.
pub fn start(steps: &[Step<'_>], written: &Log, complaints: &[String], program: &Path) -> Result<(), RunError> {
    let reply = steps.first().and_then(|step| match &step.what {
        What::System(System { name: "execve", reply, .. }) => Some(*reply),
        _ => None,
    });
    if let Some(Reply::Number(_)) = reply {
        return Ok(());
    }
    if let Some(Reply::Failed(error)) = reply {
        return Err(not_executable(program, error));
    }
    let refused = |complaint: &&String| complaint.to_ascii_lowercase().contains("ptrace");
    if let Some(complaint) = complaints.iter().find(refused) {
        return Err(StraceError::NotPermitted { message: complaint.clone() }.into());
    }
    let message = complaints.last().cloned().unwrap_or_else(|| format!("it ended with {}", written.status));
    Err(RunError::StraceFailed { message })
}

/// The log of a run that we did not stop lacks its end.
pub fn cut_short(written: &Log) -> RunError {
    RunError::LogIncomplete { why: format!("strace ended with {}; was it killed, or the disk full?", written.status) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;
    use std::time::Duration;

    use crate::meter::Spent;

    use super::*;

    fn checked(log: &str) -> Result<(), RunError> {
        let written = Log {
            text: log.into(),
            stdout: Vec::new(),
            stderr: Vec::new(),
            stopped: None,
            status: ExitStatus::from_raw(0),
            spent: Spent::default(),
            elapsed: Duration::ZERO,
        };
        super::log(&written, Path::new("/log"), Path::new("/program"))
    }

    #[test]
    fn a_start_that_was_interrupted_by_another_process_is_a_start() {
        let rest = "7 brk(NULL) = 0x1000\n7 +++ exited with 0 +++\n";
        assert!(checked(&format!("7 execve(\"/program\", [], 0x1 /* 0 vars */) = 0\n{rest}")).is_ok());
        let begun = "7 execve(\"/program\", [], 0x1 /* 0 vars */ <unfinished ...>\n";
        assert!(checked(&format!("{begun}7 <... execve resumed>) = 0\n{rest}")).is_ok());
        let failed = checked(&format!("{begun}7 <... execve resumed>) = -1 ENOEXEC (Exec format error)\n{rest}"));
        assert!(matches!(failed, Err(RunError::NotExecutable { .. })), "{failed:?}");
        assert!(matches!(checked(rest), Err(RunError::StraceFailed { .. })));
        assert!(matches!(checked(begun), Err(RunError::StraceFailed { .. } | RunError::Log(_))));
    }
}
