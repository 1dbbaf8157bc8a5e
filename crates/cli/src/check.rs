//! `osmem check`: runs the battery on a library and reports which rules it keeps.

mod keep;
mod refused;
pub mod select;

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use osmem_oracle::readings::Allowed;
use osmem_oracle::run::Run;
use osmem_trace::golden::GoldenError;
use osmem_trace::run::{Cancel, RunError};
use osmem_trace::{Observation, Trace, header};

use crate::args::{Against, CheckArgs, Format, Header, Selection};
use crate::battery::Battery;
use crate::claim::Claim;
use crate::error::{Error, Exit, is_of_tracer};
use crate::inject::{self, Injection};
use crate::layout::Layout;
use crate::oracle::{self, Together};
use crate::record::{Record, Summary, TestRecord, VERSION};
use crate::report::output::{self, Output};
use crate::report::{json, progress, text};
use crate::runner::Runner;
use crate::suite::{Profile, Test};
use crate::tracers::Wanted;
use crate::trial::{self, Programs, Trial, Tried};
use crate::{library, pool, scene};

/// How many programs are tried to measure the header.
const MEASURE_ATTEMPTS: usize = 3;

/// Runs `osmem check`.
pub fn run(args: &CheckArgs, cancel: &Cancel) -> Result<Exit, Error> {
    let layout = Layout::find()?;
    let battery = Battery::load(&layout, &args.battery)?;
    let profile = args.profile.unwrap_or(if args.lib.is_some() { Selection::Core } else { Selection::All });
    let tests = select::select(&battery.suite, &args.filters, profile)?;
    if args.list {
        select::list(&tests, args.format)?;
        return Ok(Exit::Passed);
    }

    battery.suite.require_programs(&battery.programs)?;
    let golden = battery.golden(&tests)?;
    if let Some(orphan) = battery.orphans()?.into_iter().next() {
        return Err(Error::Orphan(orphan));
    }
    let library = match &args.lib {
        Some(given) => library::locate(given)?,
        None => layout.own_library()?.to_owned(),
    };
    let wanted = if args.lib.is_none() { Wanted::for_proof(args.watch) } else { Wanted::of(args.watch) };
    let runner = Runner::prepare(&layout, library, &battery.program(tests[0]), (args.timeout, wanted), cancel)?;
    let header = header_size(args, &runner, &battery, &tests, &golden)?;
    let check = Check {
        weights: tests.iter().zip(&golden).map(|(test, trace)| weight(test, trace)).collect(),
        programs: tests.iter().map(|test| Programs::of(&battery, test, header, args.vary)).collect::<Result<_, _>>()?,
        golden,
        against: args.against,
        traces: args.traces.clone().or(layout.traces).map(Claim::new),
        own: args.lib.is_none(),
        profile,
        header,
        inject: args.inject,
        tests,
        runner: &runner,
    };
    let (record, unkept) = check.run(args)?;
    match unkept {
        Some(error) if !record.interrupted => Err(Error::Traces(error)),
        _ => Ok(exit_of(&record)),
    }
}

fn exit_of(record: &Record) -> Exit {
    match &record.summary {
        _ if record.interrupted => Exit::Interrupted,
        summary if summary.infra_errors > 0 => Exit::Unfit,
        summary if summary.failures() > 0 => Exit::Failed,
        _ => Exit::Passed,
    }
}

/// The header size to expect: as given, 32 for our own library, measured for another.
fn header_size(
    args: &CheckArgs,
    runner: &Runner,
    battery: &Battery,
    tests: &[&Test],
    golden: &[Trace],
) -> Result<u64, Error> {
    match (args.header, &args.lib) {
        (Some(Header::Bytes(bytes)), _) => Ok(bytes),
        (None, None) => Ok(header::CONTRACT),
        (Some(Header::Auto), _) | (None, Some(_)) => measured(runner, battery, tests, golden),
    }
}

/// The header size that the library shows; the contract's where it shows none.
pub fn measured(runner: &Runner, battery: &Battery, tests: &[&Test], golden: &[Trace]) -> Result<u64, Error> {
    // The shortest programs that tell the size at all: they show the least of any other mistake.
    let mut candidates: Vec<_> =
        tests.iter().zip(golden).filter(|(_, trace)| header::measure(trace).is_some()).collect();
    candidates.sort_by_key(|(_, trace)| trace.calls().count());
    for (test, _) in candidates.into_iter().take(MEASURE_ATTEMPTS) {
        let seen = match runner.observe(battery.program(test), None, true) {
            Ok(seen) => seen,
            Err(error) if is_of_tracer(&error) => return Err(error.into()),
            // Told by the test itself, when its turn comes.
            Err(_) => continue,
        };
        if let Some(bytes) = header::measure(&seen.trace) {
            return Ok(bytes);
        }
        if seen.stopped.is_some() {
            break;
        }
    }
    Ok(header::CONTRACT)
}

/// How long a test will take: its calls, and the start of its program, as often as it runs.
fn weight(test: &Test, golden: &Trace) -> usize {
    // About as long as the start of a program.
    const START: usize = 1000;
    let runs = if test.refusals { 1 + golden.calls().map(|call| call.events.len()).sum::<usize>() } else { 1 };
    runs * (START + golden.calls().count())
}

/// One run of the selected tests.
struct Check<'a> {
    tests: Vec<&'a Test>,
    golden: Vec<Trace>,
    programs: Vec<Programs>,
    against: Against,
    /// How long the tests will take, roughly, in calls.
    weights: Vec<usize>,
    header: u64,
    profile: Selection,
    own: bool,
    traces: Option<Claim>,
    /// Refused to each program.
    inject: Option<Injection>,
    runner: &'a Runner,
}

/// A judged test, and why the trace it ought to have left could not be written.
struct Judged {
    record: TestRecord,
    run: Option<Run>,
    problem: Option<GoldenError>,
}

/// A test that could not be run.
fn not_run(test: &Test, error: RunError, start: Instant) -> Result<Judged, Error> {
    if is_of_tracer(&error) {
        // No other test would fare better.
        return Err(error.into());
    }
    let record = trial::unfit(test, error.to_string(), start.elapsed());
    Ok(Judged { record, run: None, problem: None })
}

/// What the oracle accepts in a test: one outcome for our own library and for what pins one, otherwise every right one.
pub fn readings(test: &Test, own: bool) -> Allowed {
    if own || test.profile == Profile::Strict { Allowed::strict() } else { Allowed::core() }
}

impl Check<'_> {
    /// Runs and reports. Also returns the first trace that could not be written.
    fn run(&self, args: &CheckArgs) -> Result<(Record, Option<GoldenError>), Error> {
        let start = Instant::now();
        let jobs = args.jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
        let name_width = self.tests.iter().map(|test| test.name.len()).max().unwrap_or(0);
        let mut out = Output::stdout();
        let bar = progress::bar(self.tests.len());
        let mut records = Vec::with_capacity(self.tests.len());
        let mut unkept = None;
        let mut runs: Vec<Run> = Vec::with_capacity(self.tests.len());

        if args.format == Format::Text {
            self.introduce(&mut out)?;
        }
        let work = |index, cpu| self.test(index, cpu);
        let each = |_, judged: Result<Judged, Error>| {
            let Judged { mut record, run, problem } = judged?;
            if let Some(run) = run {
                if record.outcome.is_failure() {
                    let alone = [&run];
                    record.causes =
                        Together::of(&alone, oracle::params(self.header), self.is_strict()).causes(&alone, None);
                }
                runs.push(run);
            }
            if args.format == Format::Text {
                bar.suspend(|| text::line(&mut out, &record, name_width))?;
            }
            bar.inc(1);
            unkept = unkept.take().or(problem);
            records.push(record);
            Ok::<_, Error>(())
        };
        let done = pool::heaviest_first(&self.weights, jobs, work, each);
        bar.finish_and_clear();
        done?;

        scene::settle(&mut records);
        let record = self.record(records, &runs, start.elapsed());
        match args.format {
            Format::Text => {
                text::rest(&mut out, &record, output::width())?;
                if let Some(note) = self.runner.shortened() {
                    writeln!(out, "{note}")?;
                }
            }
            Format::Json => json::write(&mut out, &record)?,
        }
        out.flush()?;
        Ok((record, unkept))
    }

    fn introduce(&self, out: &mut impl Write) -> Result<(), Error> {
        let library = output::shown(&self.runner.library);
        let (profile, header, tracer) = (self.profile.name(), self.header, self.runner.witness.name());
        let count = self.tests.len();
        let inject = self.inject.map_or_else(String::new, |injection| {
            let Injection(refusal) = injection;
            format!(", {injection} injected ({} refused)", inject::words(refusal))
        });
        Ok(writeln!(
            out,
            "{library}: {count} tests (profile {profile}), headers of {header} bytes, {tracer}{inject}\n"
        )?)
    }

    /// Whether another reading of an open point is a mistake here.
    fn is_strict(&self) -> bool {
        self.own || matches!(self.profile, Selection::Strict | Selection::All)
    }

    fn record(&self, tests: Vec<TestRecord>, runs: &[Run], elapsed: Duration) -> Record {
        let runs: Vec<&Run> = runs.iter().collect();
        let summary = Summary::of(&tests, elapsed);
        let together = Together::of(&runs, oracle::params(self.header), self.is_strict());
        let causes = if summary.failures() > 0 { together.causes(&runs, None) } else { Vec::new() };
        Record {
            version: VERSION,
            library: self.runner.library.clone(),
            own: self.own,
            tracer: self.runner.witness.name(),
            profile: self.profile.name(),
            inject: self.inject.map(|injection| injection.to_string()),
            interrupted: self.runner.is_cancelled(),
            behaves: together.behaves,
            causes,
            summary,
            tests,
        }
    }

    /// Runs and judges one test; `None` if it was interrupted.
    fn test(&self, index: usize, cpu: Option<usize>) -> Option<Result<Judged, Error>> {
        if self.runner.is_cancelled() {
            return None;
        }
        let (test, programs) = (self.tests[index], &self.programs[index]);
        if let Some(Injection(refusal)) = self.inject {
            return self.injected(test, programs, refusal, cpu);
        }
        let start = Instant::now();
        let trial = Trial {
            runner: self.runner,
            test,
            programs,
            golden: &self.golden[index],
            header: self.header,
            allowed: readings(test, self.own),
            against: self.against,
            cpu,
            aslr: true,
            reference: None,
        };
        match trial.run() {
            Ok(Some(Tried { record, run, seen })) => Some(Ok(self.kept(record, &seen, run))),
            Ok(None) => None,
            Err(error) => Some(not_run(test, error, start)),
        }
    }

    /// A judged test, its trace kept where it failed.
    fn kept(&self, mut record: TestRecord, seen: &Observation, run: Run) -> Judged {
        let problem = match keep::keep(self.traces.as_ref(), &record, &self.runner.library, &seen.trace) {
            Ok(file) => {
                record.trace_file = file;
                None
            }
            Err(problem) => Some(problem),
        };
        Judged { record, run: (!crate::verdict::is_halfway(seen)).then_some(run), problem }
    }
}
