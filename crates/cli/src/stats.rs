//! `osmem stats`: what a run costs: calls, memory, fragmentation, speed, leaks.

mod callers;
pub mod figures;
mod gaps;
pub mod speed;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use osmem_oracle::infer::Inferred;
use osmem_oracle::params::{HEAP, Params};
use osmem_oracle::program::Op;
use osmem_oracle::run::{Call, End, Run};
use osmem_picture::curves::{self, Curve, Panel};
use osmem_trace::header;
use osmem_trace::model::Place;
use osmem_trace::run::Cancel;
use osmem_trace::text::{Item, Reader};
use serde::Serialize;

use crate::args::{Header, StatsArgs, StatsFormat};
use crate::error::{Error, Exit};
use crate::judge::{self, JudgeError};
use crate::lab::Lab;
use crate::layout::{Layout, OUT};
use crate::report::output::{self, Output};
use crate::report::{self, json};
use crate::tracers::Wanted;
use crate::{convert, library, loader, oracle, script, trace, verdict};
use callers::Callers;
use figures::{Figures, Point};
use speed::Speed;

/// Calls of a trace that are read.
const MOST_CALLS: usize = 1_000_000;
/// The version of the JSON form.
const VERSION: u32 = 1;

/// The figures of a run; every report is derived from them.
#[derive(Debug, Serialize)]
pub struct StatsRecord {
    /// Version of the JSON form.
    pub version: u32,
    /// The trace, the script or the program.
    pub name: String,
    /// The library, where one was named or is ours.
    pub library: Option<PathBuf>,
    /// The tracer, where something was run.
    pub tracer: Option<String>,
    /// The size of a block's header, in bytes.
    pub header: u64,
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// The speed of the calls, where a library is known.
    pub speed: Option<Speed>,
    /// Sentences on what the figures leave out.
    pub notes: Vec<String>,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum StatsError {
    /// No calls.
    #[error(
        "{0}: no os_* call is in it, so there is nothing to measure; name a trace of a program that calls os_malloc"
    )]
    NoCalls(String),
    /// A run that came to no end.
    #[error("{name}: {why}")]
    Run {
        /// The script or the program.
        name: String,
        /// Why.
        why: String,
    },
}

/// A run, and what else is known of it.
struct Source {
    run: Run,
    /// The name for files.
    stem: String,
    library: Option<PathBuf>,
    tracer: Option<String>,
    notes: Vec<String>,
    /// The calls to be timed.
    ops: Option<Vec<Op>>,
}

/// Runs `osmem stats`.
pub fn run(args: &StatsArgs, cancel: &Cancel) -> Result<Exit, Error> {
    let source = match &args.file {
        None => program(args, cancel)?,
        Some(path) if is_script(path) => scripted(args, path, cancel)?,
        Some(path) => traced(args, path)?,
    };
    if cancel.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    if source.run.calls().next().is_none() {
        return Err(StatsError::NoCalls(source.run.name).into());
    }
    let stem = source.stem.clone();
    let record = measured(args, source, cancel)?;
    if cancel.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    match args.format {
        StatsFormat::Text => {
            let mut out = Output::stdout();
            report::stats::write(&mut out, &record, output::width())?;
            out.flush()?;
        }
        StatsFormat::Json => {
            let mut out = Output::stdout();
            json::write(&mut out, &record)?;
            out.flush()?;
        }
        StatsFormat::Svg => save(args.out.as_deref(), &format!("{stem}-stats.svg"), &drawing(&record))?,
    }
    Ok(Exit::Passed)
}

/// Returns whether a file is a script of calls and no trace.
fn is_script(path: &Path) -> bool {
    let name = path.as_os_str().as_encoded_bytes();
    name.ends_with(b".rep") || name.ends_with(b".osmem")
}

fn measured(args: &StatsArgs, source: Source, cancel: &Cancel) -> Result<StatsRecord, Error> {
    let Source { run, library, tracer, mut notes, ops, .. } = source;
    let page = args.sizes.page.unwrap_or_else(oracle::page);
    let params = Params { header: header_of(args.sizes.header, &run), ..Params::with_page(page) };
    let speed = match &library {
        Some(library) => {
            let ops = ops.unwrap_or_else(|| speed::script(&run));
            let lab = Lab::prepare(&Layout::find()?, library.clone(), Wanted::of(args.watch), cancel)?;
            let speed = Speed::of(&lab, &ops, args.timeout)?;
            if speed.is_none() {
                notes.push("the calls came to no end untraced, so that their speed is not known".to_owned());
            }
            speed
        }
        None => {
            notes.push("the library is not known, so that nothing is timed; name it with --lib".to_owned());
            None
        }
    };
    if !matches!(run.end, End::Fine) {
        notes.push(format!("the run did not end well: {}", ending(&run.end)));
    }
    let mut figures = Figures::of(&run, params);
    let is_foreign = |call: &&Call| call.result.map(convert::place) == Some(Place::Foreign);
    match run.calls().filter(is_foreign).count() {
        0 => {}
        count => notes.push(format!("{count} calls gave an address outside the heap and all mappings (FOREIGN)")),
    }
    let told = figures.leaks.len() + figures.misuse.len() > 0;
    if told && !args.command.is_empty() && !cancel.is_cancelled() {
        let layout = Layout::find()?;
        let callers = Callers::of(&args.command, (&layout.callers, library.as_deref()), args.timeout, cancel);
        if !callers.is_some_and(|callers| callers.tell(&run, &mut figures)) {
            notes.push("a second run made other calls than the first, so that no source lines are told".to_owned());
        }
    }
    Ok(StatsRecord { version: VERSION, name: run.name, library, tracer, header: params.header, figures, speed, notes })
}

fn ending(end: &End) -> String {
    match end {
        End::Fine => "as it should".to_owned(),
        End::Check(_) => "the program found its memory damaged".to_owned(),
        End::Crash(signal) => format!("{signal} ended it"),
        End::Timeout => "it took too long".to_owned(),
        End::Limit => "it went over a limit".to_owned(),
        End::EarlyExit | End::Forged => "something other than the program ended it".to_owned(),
    }
}

/// Returns the header size: as given, or as the run shows it.
pub fn header_of(given: Header, run: &Run) -> u64 {
    match given {
        Header::Bytes(bytes) => bytes,
        Header::Auto => Inferred::of(&[run], oracle::params(header::CONTRACT)).header.unwrap_or(header::CONTRACT),
    }
}

/// Reads a trace.
fn traced(args: &StatsArgs, path: &Path) -> Result<Source, Error> {
    let (name, input) = judge::open(path)?;
    let mut run = Run { name: name.clone(), brk: HEAP, steps: Vec::new(), end: End::Fine, by_c_library: None };
    let mut left_out = 0;
    for item in Reader::new(input) {
        let (_, item) = item.map_err(|source| JudgeError::Read { name: name.clone(), source })?;
        match item {
            Item::Entry(_) if run.steps.len() >= MOST_CALLS => left_out += 1,
            Item::Entry(entry) => run.steps.extend(convert::step_of(&entry)),
            Item::End(osmem_trace::model::End::Killed(signal)) => run.end = End::Crash(signal),
            Item::End(osmem_trace::model::End::Exit(_)) => {}
        }
    }
    let notes = match left_out {
        0 => Vec::new(),
        more => vec![format!("the trace goes on for {more} more calls, which are left out")],
    };
    let library = args.lib.as_deref().map(library::locate).transpose()?;
    let stem = if name == "standard input" { "trace".to_owned() } else { stem_of(path) };
    Ok(Source { run, stem, library, tracer: None, notes, ops: None })
}

/// Runs a script with a library.
fn scripted(args: &StatsArgs, path: &Path, cancel: &Cancel) -> Result<Source, Error> {
    let ops = script::read(path)?;
    let layout = Layout::find()?;
    let library = match &args.lib {
        Some(given) => library::locate(given)?,
        None => layout.own_library()?.to_owned(),
    };
    let lab = Lab::prepare(&layout, library, Wanted::of(args.watch), cancel)?;
    let run = replayed(&lab, &ops, &script::name(path), args.timeout)?;
    let tracer = Some(lab.witness.name());
    Ok(Source {
        run,
        stem: stem_of(path),
        library: Some(lab.library.clone()),
        tracer,
        notes: Vec::new(),
        ops: Some(ops),
    })
}

/// Runs a script under the probe. A run that came to no end is an error.
pub fn replayed(lab: &Lab, ops: &[Op], name: &str, time: std::time::Duration) -> Result<Run, Error> {
    let watched = lab.measure(ops, name, time, None)?;
    if watched.is_cut_off() {
        return Ok(watched.run);
    }
    match verdict::fault(&watched.seen) {
        Some(fault) if watched.run.calls().next().is_none() || watched.seen.stopped.is_some() => {
            Err(StatsError::Run { name: name.to_owned(), why: fault.reason }.into())
        }
        _ => Ok(watched.run),
    }
}

/// Runs a program.
fn program(args: &StatsArgs, cancel: &Cancel) -> Result<Source, Error> {
    let seen = trace::observe(&args.command, args.lib.as_deref(), args.timeout, args.watch, cancel)?;
    let name = args.command.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if seen.calls == 0 && !cancel.is_cancelled() {
        let why = trace::shortcoming(&seen).unwrap_or_default();
        return Err(StatsError::Run { name, why }.into());
    }
    let run = oracle::run_of(&name, &seen, false);
    let library = match &args.lib {
        Some(given) => Some(library::locate(given)?),
        None if loader::lacks_library(Path::new(&name)) => Some(Layout::find()?.own_library()?.to_owned()),
        None => None,
    };
    let notes = verdict::fault(&seen).map(|fault| fault.reason).into_iter().collect();
    let tracer = Some(Wanted::of(args.watch).witness()?.name());
    Ok(Source { run, stem: stem_of(Path::new(&name)), library, tracer, notes, ops: None })
}

fn stem_of(path: &Path) -> String {
    path.file_stem().map_or_else(|| "run".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// Returns a number of bytes for the axis of a drawing.
fn bytes(value: f64) -> String {
    match value {
        _ if value >= 1e7 => format!("{:.0} MiB", value / f64::from(1 << 20)),
        _ if value >= 1e4 => format!("{:.0} KiB", value / 1024.0),
        _ => format!("{value:.0}"),
    }
}

/// Returns the drawing of the figures over the calls.
fn drawing(record: &StatsRecord) -> String {
    let curve = |name: &str, value: fn(&Point) -> f64| Curve {
        name: name.to_owned(),
        points: record.figures.curve.iter().map(|point| (point.call, value(point))).collect(),
    };
    let memory = Panel {
        title: "memory, in bytes".to_owned(),
        top: record.figures.peak_heap.max(record.figures.peak_payload) as f64,
        label: bytes,
        curves: vec![
            curve("payload", |point| point.payload as f64),
            curve("heap and mappings", |point| point.heap as f64),
        ],
    };
    let fragmentation = Panel {
        title: "fragmentation".to_owned(),
        top: 100.0,
        label: |value| format!("{value:.0} %"),
        curves: vec![
            curve("internal", |point| point.internal * 100.0),
            curve("external", |point| point.external * 100.0),
        ],
    };
    let subtitle = report::stats::headline(record);
    curves::draw(&record.name, &subtitle, &[memory, fragmentation])
}

/// Writes a drawing to the file that is meant for it, and says where.
fn save(out: Option<&Path>, name: &str, drawing: &str) -> Result<(), Error> {
    let mut said = Output::stdout();
    let path = match out {
        Some(path) if path.as_os_str() == "-" => {
            said.write_all(drawing.as_bytes())?;
            return Ok(said.flush()?);
        }
        Some(path) => path.to_owned(),
        None => {
            let folder = PathBuf::from(OUT);
            fs::create_dir_all(&folder).map_err(|source| Error::Drawing { path: folder.clone(), source })?;
            folder.join(name)
        }
    };
    fs::write(&path, drawing).map_err(|source| Error::Drawing { path: path.clone(), source })?;
    writeln!(said, "drawn: {}", output::shown(&path))?;
    Ok(said.flush()?)
}
