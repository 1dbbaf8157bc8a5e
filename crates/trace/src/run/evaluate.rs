//! What a recording of a program with a probe shows.

use std::time::Duration;

use super::asked::asked;
use super::{Observation, Raw, Recording, RunError, Source};
use crate::label::{Placed, label_and_place};
use crate::log;
use crate::mark::{Key, VERSION};
use crate::model::{End, Trace};
use crate::window::Window;

/// Reads a recording.
pub fn evaluate(recording: Recording, time: Duration, key: &Key) -> Result<Observation, RunError> {
    let stopped = recording.stopped;
    let steps = recording.steps()?;
    let window = Window::cut(&steps, key);
    if let Some((_, version)) = window.began.as_ref().filter(|(_, version)| *version != VERSION.to_string()) {
        return Err(RunError::ProbeVersion { found: version.clone() });
    }
    let end = match (window.end.clone(), stopped) {
        (Some(end), _) => end,
        (None, Some(_)) => End::Killed("SIGKILL".into()),
        (None, None) => return Err(RunError::LogIncomplete { why: "it does not say how the program ended".into() }),
    };
    let (entries, placed) = label_and_place(&window.steps)?;
    let from = window.began.as_ref().map_or(1, |(line, _)| *line);
    Ok(Observation {
        trace: Trace { entries, end },
        origins: origins(&recording, &placed),
        proof: window.proof,
        other: None,
        began: window.began.is_some(),
        calls: window.calls,
        forged: window.forged,
        missing: window.missing,
        asked: asked(&window.steps),
        stopped,
        refused: refused(&steps),
        stdout: recording.stdout,
        stderr: recording.stderr,
        spent: recording.spent,
        time,
        elapsed: recording.elapsed,
        raw: Raw { seen: recording.seen, from },
    })
}

/// Which system call came from where.
fn origins(recording: &Recording, placed: &[Placed]) -> Vec<Source> {
    let found = recording.origins.iter().filter_map(|(line, origin)| {
        let place = placed.get(placed.binary_search_by_key(line, |placed| placed.line).ok()?)?;
        Some(Source { call: place.call, event: place.event, origin: origin.clone() })
    });
    found.collect()
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
