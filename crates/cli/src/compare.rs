//! `osmem compare`: the same calls with two libraries, side by side.

use std::path::{Path, PathBuf};

use osmem_oracle::program::Op;
use osmem_oracle::run::Run;
use osmem_trace::run::Cancel;
use serde::Serialize;

use crate::args::{CompareArgs, Format, Header};
use crate::convert;
use crate::error::{Error, Exit};
use crate::lab::Lab;
use crate::layout::Layout;
use crate::report::output::{self, Output};
use crate::report::{self, json};
use crate::stats::figures::Figures;
use crate::stats::speed::{self, Speed};
use crate::stats::{self, StatsError};
use crate::tracers::Wanted;
use crate::{library, oracle, script, trace, workload};

/// Lines of calls that are kept.
const MOST_ROWS: usize = 10_000;
/// The seed of the workload.
const SEED: u64 = 1;
/// The version of the JSON form.
const VERSION: u32 = 1;

/// Two runs side by side; every report is derived from it.
#[derive(Debug, Serialize)]
pub struct CompareRecord {
    /// Version of the JSON form.
    pub version: u32,
    /// The script or the program.
    pub name: String,
    /// The tracer.
    pub tracer: String,
    /// The two libraries.
    pub sides: [Side; 2],
    /// Calls whose lines differ.
    pub differing: usize,
    /// The lines of the calls side by side, up to the first ten thousand.
    pub calls: Vec<Pair>,
}

/// A line of each run: a call with its result, or one of its system calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// Set if they differ.
    pub differs: bool,
    /// The line of the first library's run.
    pub a: Option<String>,
    /// The line of the second one's.
    pub b: Option<String>,
}

/// One library and its run.
#[derive(Debug, Serialize)]
pub struct Side {
    /// The file.
    pub library: PathBuf,
    /// The size of a block's header, in bytes.
    pub header: u64,
    /// The figures of its run.
    #[serde(flatten)]
    pub figures: Figures,
    /// How fast the calls are.
    pub speed: Option<Speed>,
}

/// The calls to make.
enum Subject<'a> {
    Script(String, Vec<Op>),
    Program(&'a CompareArgs),
}

/// Runs `osmem compare`.
pub fn run(args: &CompareArgs, cancel: &Cancel) -> Result<Exit, Error> {
    let libraries = [library::locate(&args.first)?, library::locate(&args.second)?];
    libraries.iter().try_for_each(|library| library::validate(library))?;
    let subject = match (&args.script, args.command.is_empty()) {
        (Some(path), _) => Subject::Script(script::name(path), script::read(path)?),
        (None, false) => Subject::Program(args),
        (None, true) => Subject::Script("our workload".to_owned(), workload::drawn(SEED)),
    };
    let layout = Layout::find()?;
    let [first, second] = libraries;
    let mut sides = Vec::new();
    let (mut name, mut tracer) = (String::new(), String::new());
    for library in [first, second] {
        let lab = Lab::prepare(&layout, library.clone(), Wanted::of(args.watch), cancel)?;
        let (run, ops) = observed(&lab, &subject, &library, cancel)?;
        if cancel.is_cancelled() {
            return Ok(Exit::Interrupted);
        }
        let speed = Speed::of(&lab, &ops, args.timeout)?;
        (name, tracer) = (run.name.clone(), lab.witness.name());
        let header = stats::header_of(Header::Auto, &run);
        let figures = Figures { curve: Vec::new(), ..Figures::of(&run, oracle::params(header)) };
        sides.push((lines(&run), Side { library, header, figures, speed }));
    }
    if cancel.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    let Ok([(left, first), (right, second)]) = <[_; 2]>::try_from(sides) else { return Ok(Exit::Internal) };
    let (calls, differing) = beside(left, right);
    let record = CompareRecord { version: VERSION, name, tracer, sides: [first, second], differing, calls };
    let mut out = Output::stdout();
    match args.format {
        Format::Text => report::compare::write(&mut out, &record, output::width())?,
        Format::Json => json::write(&mut out, &record)?,
    }
    std::io::Write::flush(&mut out)?;
    Ok(Exit::Passed)
}

/// Runs the calls with a library. Returns the run, and the calls as a script.
fn observed(lab: &Lab, subject: &Subject<'_>, library: &Path, cancel: &Cancel) -> Result<(Run, Vec<Op>), Error> {
    match subject {
        Subject::Script(name, ops) => {
            let run = stats::replayed(lab, ops, name, std::time::Duration::from_secs(60))?;
            Ok((run, ops.clone()))
        }
        Subject::Program(args) => {
            let seen = trace::observe(&args.command, Some(library), args.timeout, args.watch, cancel)?;
            let name = args.command.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if seen.calls == 0 && !cancel.is_cancelled() {
                let why = trace::shortcoming(&seen).unwrap_or_default();
                return Err(StatsError::Run { name, why }.into());
            }
            let run = oracle::run_of(&name, &seen, false);
            let ops = speed::script(&run);
            Ok((run, ops))
        }
    }
}

/// Returns each call with its system calls, as lines of a trace.
fn lines(run: &Run) -> Vec<Vec<String>> {
    let told = |call: &osmem_oracle::run::Call| {
        let call = convert::call_of(call);
        let events = call.events.iter().map(|event| format!("  {event}"));
        [call.to_string()].into_iter().chain(events).collect()
    };
    run.calls().map(told).collect()
}

/// Returns the lines of two runs side by side, and how many calls differ.
fn beside(left: Vec<Vec<String>>, right: Vec<Vec<String>>) -> (Vec<Pair>, usize) {
    let count = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let (mut rows, mut differing) = (Vec::new(), 0);
    for _ in 0..count {
        let (one, other) = (left.next().unwrap_or_default(), right.next().unwrap_or_default());
        differing += usize::from(one != other);
        for line in 0..one.len().max(other.len()) {
            let (a, b) = (one.get(line).cloned(), other.get(line).cloned());
            if rows.len() < MOST_ROWS {
                rows.push(Pair { differs: a != b, a, b });
            }
        }
    }
    (rows, differing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_stand_side_by_side_with_their_system_calls() {
        let call = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let left = vec![call(&["a", "  brk"]), call(&["b"]), call(&["c"])];
        let right = vec![call(&["a"]), call(&["b"])];
        let (rows, differing) = beside(left, right);
        let differ: Vec<bool> = rows.iter().map(|row| row.differs).collect();
        assert_eq!((differ, differing), (vec![false, true, false, true], 2));
        assert_eq!((rows[1].a.as_deref(), rows[1].b.as_deref()), (Some("  brk"), None));
    }
}
