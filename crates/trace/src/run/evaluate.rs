//! What a recording of a program with a probe shows.

use std::path::Path;

use super::{Observation, RunError, check};
use crate::label::label;
use crate::log;
use crate::mark::{Key, VERSION};
use crate::model::{End, Trace};
use crate::record::Recording;
use crate::window::Window;

/// Reads a recording. `log` is where strace wrote, `program` what was asked for.
pub fn evaluate(recording: Recording, key: &Key, log: &Path, program: &Path) -> Result<Observation, RunError> {
    let stopped = recording.stopped;
    let complaints = check::complaints(&recording, log)?;
    let steps = match log::read(&recording.log, stopped.is_some()) {
        Err(_) if stopped.is_none() && !recording.log.ends_with(b"\n") => return Err(check::cut_short(&recording)),
        steps => steps?,
    };
    if stopped.is_none() {
        check::start(&steps, &recording, &complaints, program)?;
    }
    let window = Window::cut(&steps, key);
    if let Some((_, version)) = window.began.as_ref().filter(|(_, version)| *version != VERSION.to_string()) {
        return Err(RunError::ProbeVersion { found: version.clone() });
    }
    let end = match (window.end.clone(), stopped) {
        (Some(end), _) => end,
        (None, Some(_)) => End::Killed("SIGKILL".into()),
        (None, None) => return Err(check::cut_short(&recording)),
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
        refused: refused(&steps),
        stdout: recording.stdout,
        stderr: recording.stderr,
        elapsed: recording.elapsed,
    })
}

/// What a filter refused, each name once.
pub fn refused(steps: &[log::Step<'_>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for step in steps {
        if let log::What::Refused(name) = step.what
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

/// The log from this line on, counted from 1.
fn from_line(log: &[u8], line: usize) -> String {
    let lines = log.split_inclusive(|byte| *byte == b'\n').skip(line.saturating_sub(1));
    lines.map(String::from_utf8_lossy).collect()
}
