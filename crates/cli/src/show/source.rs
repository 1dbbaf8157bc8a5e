//! The run that is drawn: from the trace in a file, a test of the battery, or a program.

use osmem_oracle::params::{HEAP, Params};
use osmem_oracle::run::{End, Run};
use osmem_trace::model::{self, Entry, Outcome, Place};
use osmem_trace::run::Cancel;
use osmem_trace::text::{Item, Reader};
use osmem_trace::{Observation, Trace, header};

use super::ShowError;
use super::track::{MOST_CALLS, Way};
use crate::args::{Header, Reading, ShowArgs};
use crate::battery::Battery;
use crate::error::Error;
use crate::judge::{self, JudgeError};
use crate::layout::Layout;
use crate::runner::Runner;
use crate::suite::{Start, Test, WARM_CALLS};
use crate::target::Target;
use crate::tracers::Wanted;
use crate::trial::Programs;
use crate::{check, convert, oracle, scene, trace, verdict};

/// A run that can be drawn.
pub struct Source {
    /// The run.
    pub run: Run,
    /// How it is followed.
    pub way: Way,
    /// The name for files.
    pub name: String,
    /// Sentences for below the picture.
    pub notes: Vec<String>,
    /// The step that the test is about, where one of them leaves the contract.
    pub focus: Option<usize>,
}

/// Reads or runs what the command line names.
pub fn get(args: &ShowArgs, cancel: &Cancel) -> Result<Source, Error> {
    let source = match (&args.trace, &args.test) {
        (Some(_), _) => file(args)?,
        (None, Some(name)) => test(args, name, cancel)?,
        (None, None) => program(args, cancel)?,
    };
    if source.run.calls().next().is_none() {
        return Err(ShowError::NoCalls(source.run.name).into());
    }
    Ok(source)
}

fn params(args: &ShowArgs, header: u64) -> Params {
    Params { header, ..Params::with_page(args.sizes.page.unwrap_or_else(oracle::page)) }
}

/// The way of a run that is no test.
fn way(args: &ShowArgs, measured: Option<u64>) -> Way {
    let header = match args.sizes.header {
        Header::Bytes(bytes) => bytes,
        Header::Auto => measured.unwrap_or(header::CONTRACT),
    };
    let allowed = args.profile.unwrap_or_default().allowed();
    Way { params: params(args, header), allowed, warm: 0, from: from(args) }
}

fn from(args: &ShowArgs) -> usize {
    usize::try_from(args.from).unwrap_or(usize::MAX)
}

fn file(args: &ShowArgs) -> Result<Source, Error> {
    let path = args.trace.as_deref().unwrap_or_else(|| "-".as_ref());
    let (name, input) = judge::open(path)?;
    let mut run = Run { name: name.clone(), brk: HEAP, steps: Vec::new(), end: End::Fine, by_c_library: None };
    let mut measured = None;
    let most = from(args).saturating_add(MOST_CALLS);
    let (mut calls, mut left_out) = (0, 0);
    for item in Reader::new(input) {
        let (_, item) = item.map_err(|source| JudgeError::Read { name: name.clone(), source })?;
        match item {
            Item::Entry(_) if calls >= most => left_out += 1,
            Item::Entry(entry) => {
                calls += usize::from(matches!(entry, Entry::Call(_)));
                measured = measured.or_else(|| shown_header(&entry));
                run.steps.extend(convert::step_of(&entry));
            }
            Item::End(model::End::Killed(signal)) => run.end = End::Crash(signal),
            Item::End(model::End::Exit(_)) => {}
        }
    }
    let stem = path.file_stem().map_or_else(|| "trace".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let file = if name == "standard input" { "trace".to_owned() } else { stem };
    let mut notes = Vec::new();
    if left_out > 0 {
        notes.push(format!("the trace goes on for {left_out} more calls, which are left out"));
    }
    if let End::Crash(signal) = &run.end {
        notes.push(format!("the run was killed by {signal}"));
    }
    Ok(Source { run, way: way(args, measured), name: file, notes, focus: None })
}

/// The header that an entry shows.
fn shown_header(entry: &Entry) -> Option<u64> {
    let Entry::Call(call) = entry else { return None };
    let Outcome::Returned(Some(Place::Heap(_) | Place::Map { .. })) = call.result else { return None };
    header::measure(&Trace { entries: vec![entry.clone()], end: model::End::Exit(0) })
}

fn program(args: &ShowArgs, cancel: &Cancel) -> Result<Source, Error> {
    let seen = trace::observe(&args.command, args.lib.as_deref(), args.timeout, args.watch, cancel)?;
    let name = args.command.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let file = name.rsplit('/').next().unwrap_or_default().to_owned();
    let run = oracle::run_of(&name, &seen, false);
    if seen.calls == 0 {
        let why = trace::shortcoming(&seen).unwrap_or_default();
        return Err(ShowError::Program { name, why }.into());
    }
    let way = way(args, header::measure(&seen.trace));
    Ok(Source { run, way, name: file, notes: shortcomings(&seen), focus: None })
}

fn shortcomings(seen: &Observation) -> Vec<String> {
    verdict::fault(seen).map(|fault| fault.reason).into_iter().collect()
}

/// Returns how many calls of a test only make its heap warm.
pub fn warm_calls(test: &Test) -> usize {
    if test.start == Start::Warm { WARM_CALLS } else { 0 }
}

fn test(args: &ShowArgs, name: &str, cancel: &Cancel) -> Result<Source, Error> {
    let layout = Layout::find()?;
    let battery = Battery::load(&layout, &args.battery)?;
    let unknown = || Error::UnknownTest(name.to_owned());
    let test = battery.suite.tests.iter().find(|test| test.name == name).ok_or_else(unknown)?;
    battery.suite.require_programs(&battery.programs)?;
    let (target, _) = Target::of(args.lib.as_deref(), args.own, &[])?;
    let ready = target.ready(&layout)?;
    let wanted = Wanted::of(args.watch);
    let runner =
        Runner::prepare(&layout, ready.library.clone(), &battery.program(test), (args.timeout, wanted), cancel)?;
    let header = match args.sizes.header {
        Header::Bytes(bytes) => bytes,
        Header::Auto => {
            check::measured(&runner, &battery, &[test], &battery.golden(&[test])?)?.unwrap_or(header::CONTRACT)
        }
    };
    let programs = Programs::of(&battery, test, header, None)?;
    let seen = runner.observe(programs.base, None, true)?;
    let run = oracle::run_of(name, &seen, true);
    let allowed = args.profile.map_or_else(|| check::readings(test, target.is_own()), Reading::allowed);
    let way = Way { params: params(args, header), allowed, warm: warm_calls(test), from: from(args) };
    let focus = scene::subject_difference(test, &run, header, allowed);
    Ok(Source { run, way, name: name.to_owned(), notes: shortcomings(&seen), focus })
}
