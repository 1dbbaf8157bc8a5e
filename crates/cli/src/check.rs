//! `osmem check`: runs the battery on a library and reports which rules it keeps.

mod keep;
pub mod lesson;
mod refused;
pub mod select;
mod watch;

use std::io::Write;
use std::path::{Path, PathBuf};
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
use crate::layout::{Layout, OUT};
use crate::oracle::{self, Together};
use crate::record::{Record, Summary, TestRecord, VERSION};
use crate::report::output::{self, Output};
use crate::report::{brief, json, progress, text};
use crate::runner::Runner;
use crate::suite::{Profile, Test};
use crate::target::Target;
use crate::tracers::Wanted;
use crate::trial::{self, Programs, Trial, Tried};
use crate::{pool, scene};

/// How many programs are tried to measure the header.
const MEASURE_ATTEMPTS: usize = 3;

/// Runs `osmem check`.
pub fn run(args: &CheckArgs, cancel: &Cancel) -> Result<Exit, Error> {
    if args.repeat { watch::run(args, cancel) } else { once(args, cancel).map(|(_, exit)| exit) }
}

/// Checks once. Returns the record too, if anything was run.
fn once(args: &CheckArgs, cancel: &Cancel) -> Result<(Option<Record>, Exit), Error> {
    let layout = Layout::find()?;
    let battery = Battery::load(&layout, &args.battery)?;
    let (target, filters) = match args.list {
        // Nothing is checked, so that nothing need be there.
        true if args.lib.is_none() => (Target::Own, &args.filters[..]),
        _ => Target::of(args.lib.as_deref(), args.own, &args.filters)?,
    };
    let own = target.is_own();
    let profile = args.profile.unwrap_or(if own { Selection::All } else { Selection::Core });
    let tests = match &args.test {
        Some(name) => select::named(&battery.suite, name)?,
        None => select::select(&battery.suite, filters, profile)?,
    };
    if args.list {
        select::list(&tests, args.format)?;
        return Ok((None, Exit::Passed));
    }

    battery.suite.require_programs(&battery.programs)?;
    let golden = battery.golden(&tests)?;
    if let Some(orphan) = battery.orphans()?.into_iter().next() {
        return Err(Error::Orphan(orphan));
    }
    let ready = target.ready(&layout)?;
    let wanted = if own { Wanted::for_proof(args.watch) } else { Wanted::of(args.watch) };
    let runner =
        Runner::prepare(&layout, ready.library.clone(), &battery.program(tests[0]), (args.timeout, wanted), cancel)?;
    let measured = header_size(args, own, &runner, &battery, &tests, &golden)?;
    let header = measured.unwrap_or(header::CONTRACT);
    let check = Check {
        weights: tests.iter().zip(&golden).map(|(test, trace)| weight(test, trace)).collect(),
        programs: tests.iter().map(|test| Programs::of(&battery, test, header, args.vary)).collect::<Result<_, _>>()?,
        golden,
        against: args.against,
        traces: args
            .traces
            .clone()
            .or(if own { layout.traces } else { Some(Path::new(OUT).join("traces")) })
            .map(Claim::new),
        library: target.named().unwrap_or_else(|| ready.library.clone()),
        own,
        profile,
        header,
        is_header_assumed: measured.is_none(),
        inject: args.inject,
        tests,
        runner: &runner,
    };
    let (record, unkept) = check.run(args)?;
    match unkept {
        Some(error) if !record.interrupted => Err(Error::Traces(error)),
        _ => {
            let exit = exit_of(&record);
            Ok((Some(record), exit))
        }
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

/// Returns the header size to expect: as given, 32 for our own library, measured for another; `None` if that shows none.
fn header_size(
    args: &CheckArgs,
    own: bool,
    runner: &Runner,
    battery: &Battery,
    tests: &[&Test],
    golden: &[Trace],
) -> Result<Option<u64>, Error> {
    match args.header {
        Some(Header::Bytes(bytes)) => Ok(Some(bytes)),
        None if own => Ok(Some(header::CONTRACT)),
        Some(Header::Auto) | None => measured(runner, battery, tests, golden),
    }
}

/// Returns the header size that the library shows, in bytes; `None` where it shows none.
pub fn measured(runner: &Runner, battery: &Battery, tests: &[&Test], golden: &[Trace]) -> Result<Option<u64>, Error> {
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
            return Ok(Some(bytes));
        }
        if seen.stopped.is_some() {
            break;
        }
    }
    Ok(None)
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
    /// Set if the library shows no header size, so that the contract's is assumed.
    is_header_assumed: bool,
    profile: Selection,
    own: bool,
    /// Name of the library in reports: its sources where it is built from some.
    library: PathBuf,
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
        let mut runs: Vec<(usize, Run)> = Vec::with_capacity(self.tests.len());

        let is_text = args.format == Format::Text;
        // With an injection nothing is scored, and each test says what came of it.
        let is_full = is_text && (args.all || args.test.is_some() || args.inject.is_some());
        if is_text {
            self.introduce(&mut out)?;
        }
        let work = |index, cpu| self.test(index, cpu);
        let each = |_, judged: Result<Judged, Error>| {
            let Judged { record, run, problem } = judged?;
            if let Some(run) = run {
                runs.push((records.len(), run));
            }
            if is_full {
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
        let runs: Vec<Run> = runs.into_iter().map(|(_, run)| run).collect();
        match args.format {
            Format::Text => {
                // An environment error is told whole.
                if is_full || record.summary.infra_errors > 0 {
                    text::rest(&mut out, &record, output::width())?;
                } else {
                    self.tell(&mut out, &record, &runs, args.step)?;
                }
                if let Some(note) = self.runner.shortened() {
                    writeln!(out, "{note}")?;
                }
            }
            Format::Json => json::write(&mut out, &record)?,
        }
        out.flush()?;
        Ok((record, unkept))
    }

    /// Tells the mistakes, or the next step, in few lines.
    fn tell(&self, out: &mut impl Write, record: &Record, runs: &[Run], step: bool) -> Result<(), Error> {
        let themes = lesson::themes(record);
        let failures: Vec<&TestRecord> = record.tests.iter().filter(|test| test.outcome.is_failure()).collect();
        let mistakes = lesson::mistakes(&record.causes, &failures, runs);
        let draw = |test: &TestRecord| lesson::drawn(test, &self.tests, runs, self.own);
        let width = output::width();
        if step {
            brief::step(out, &themes, lesson::next(&mistakes), &draw, width)?;
        } else {
            brief::write(out, record, (&themes, &mistakes), &draw, width)?;
        }
        Ok(())
    }

    fn introduce(&self, out: &mut impl Write) -> Result<(), Error> {
        let library = output::shown(&self.library);
        let (profile, header, tracer) = (self.profile.name(), self.header, self.runner.witness.name());
        let count = self.tests.len();
        let header = if self.is_header_assumed {
            format!("no header recognised, {header} bytes assumed")
        } else {
            format!("headers of {header} bytes")
        };
        let inject = self.inject.map_or_else(String::new, |injection| {
            let Injection(refusal) = injection;
            format!(", {injection} injected ({} refused)", inject::words(refusal))
        });
        Ok(writeln!(out, "{library}: {count} tests (profile {profile}), {header}, {tracer}{inject}\n")?)
    }

    /// Whether another reading of an open point is a mistake here.
    fn is_strict(&self) -> bool {
        self.own || matches!(self.profile, Selection::Strict | Selection::All)
    }

    fn record(&self, mut tests: Vec<TestRecord>, runs: &[(usize, Run)], elapsed: Duration) -> Record {
        let (places, runs): (Vec<usize>, Vec<&Run>) = runs.iter().map(|(place, run)| (*place, run)).unzip();
        let summary = Summary::of(&tests, elapsed);
        let together = Together::of(&runs, oracle::params(self.header), self.is_strict());
        let mut explanation =
            if summary.failures() > 0 { together.explain(&runs, None) } else { oracle::Explanation::default() };
        let unexplained = explanation.assign(&places, &mut tests);
        Record {
            version: VERSION,
            library: self.library.clone(),
            own: self.own,
            tracer: self.runner.witness.name(),
            profile: self.profile.name(),
            inject: self.inject.map(|injection| injection.to_string()),
            interrupted: self.runner.is_cancelled(),
            behaves: together.behaves,
            causes: explanation.causes,
            unexplained,
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
        let problem = match keep::keep(self.traces.as_ref(), &record, &self.library, &seen.trace) {
            Ok(file) => {
                record.trace_file = file;
                None
            }
            Err(problem) => Some(problem),
        };
        Judged { record, run: (!crate::verdict::is_halfway(seen)).then_some(run), problem }
    }
}
