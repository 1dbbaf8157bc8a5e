//! `osmem bless`: accepts the traces of our own library as the golden ones, on purpose only.

use std::fs;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use osmem_trace::golden;
use osmem_trace::run::{Cancel, Stopped};
use osmem_trace::{Trace, diff};
use similar::TextDiff;

use crate::args::BlessArgs;
use crate::battery::{self, Battery};
use crate::error::{Error, Exit};
use crate::layout::Layout;
use crate::pool;
use crate::report::output::{self, Output};
use crate::runner::Runner;
use crate::suite::Test;
use crate::tracers::Wanted;
use crate::{ci, verdict};

/// What became of one test.
enum Blessing {
    /// Its trace, the same in both runs.
    Trace(Trace),
    /// Why there is none.
    Refused(String),
}

/// Runs `osmem bless`.
pub fn run(args: &BlessArgs, cancel: &Cancel) -> Result<Exit, Error> {
    if ci::is_set() {
        return Err(Error::BlessInCi);
    }
    let layout = Layout::find()?;
    let battery = Battery::load(&layout, &args.battery)?;
    let tests = named(&battery, &args.names)?;
    battery.suite.require_programs(&battery.programs)?;
    let library = layout.own_library()?.to_owned();
    let runner =
        Runner::prepare(&layout, library, &battery.program(tests[0]), (args.timeout, Wanted::of(args.watch)), cancel)?;

    let mut out = Output::stdout();
    let (mut changed, mut refused) = (0, 0);
    let work = |index: usize, cpu| bless(&runner, &battery, tests[index], cpu).transpose();
    let each = |index: usize, blessing: Result<Blessing, Error>| {
        let test = tests[index];
        match blessing? {
            Blessing::Refused(why) => {
                refused += 1;
                writeln!(out, "refused {}: {why}", test.name)?;
            }
            Blessing::Trace(trace) => changed += usize::from(accept(&mut out, &battery, test, &trace, args.dry_run)?),
        }
        Ok::<_, Error>(())
    };
    pool::in_order(tests.len(), pool::allowed_cpus().len().max(1), work, each)?;
    if runner.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    prune(&mut out, &battery, args)?;
    let verb = if args.dry_run { "would change" } else { "changed" };
    let unchanged = tests.len() - changed - refused;
    writeln!(out, "{changed} {verb}, {unchanged} unchanged, {refused} refused")?;
    out.flush()?;
    Ok(if refused > 0 { Exit::Failed } else { Exit::Passed })
}

/// The tests of these names, all of them where none is given.
fn named<'a>(battery: &'a Battery, names: &[String]) -> Result<Vec<&'a Test>, Error> {
    let tests = &battery.suite.tests;
    if let Some(unknown) = names.iter().find(|name| !tests.iter().any(|test| test.name == **name)) {
        return Err(Error::UnknownTest(unknown.clone()));
    }
    Ok(tests.iter().filter(|test| names.is_empty() || names.contains(&test.name)).collect())
}

/// Runs a test's program twice, with different address layouts; `None` if interrupted.
fn bless(runner: &Runner, battery: &Battery, test: &Test, cpu: Option<usize>) -> Result<Option<Blessing>, Error> {
    let mut traces: Vec<Trace> = Vec::with_capacity(2);
    for aslr in [false, true] {
        if runner.is_cancelled() {
            return Ok(None);
        }
        let seen = runner.observe(battery.program(test), cpu, aslr)?;
        if seen.stopped == Some(Stopped::Cancelled) {
            return Ok(None);
        }
        if let Some(fault) = verdict::fault(&seen) {
            return Ok(Some(Blessing::Refused(format!("{}, {}", fault.outcome, fault.reason))));
        }
        traces.push(seen.trace);
    }
    let [first, second] = &traces[..] else { return Ok(None) };
    if let Some(difference) = diff::first_difference(first, second, 0) {
        let lines: Vec<_> = difference
            .rows
            .iter()
            .flat_map(|row| [&row.expected, &row.actual])
            .flatten()
            .map(|line| line.trim())
            .collect();
        let why = format!("two runs with different address layouts differ: {}", lines.join(" / "));
        return Ok(Some(Blessing::Refused(why)));
    }
    Ok(traces.pop().map(Blessing::Trace))
}

/// Shows how `trace` differs from the golden one there is, and writes it; says whether it differs.
fn accept(out: &mut impl Write, battery: &Battery, test: &Test, trace: &Trace, dry_run: bool) -> Result<bool, Error> {
    let comment = battery::comment(test);
    let text = golden::render(&comment, trace);
    let path = battery.fixture(test);
    let old = match fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(golden::GoldenError::Io { path, source }.into()),
    };
    if old == text {
        return Ok(false);
    }
    if !dry_run {
        golden::write(&path, &comment, trace)?;
    }
    show(out, &output::shown(&path), &old, &text)?;
    Ok(true)
}

fn show(out: &mut impl Write, name: &str, old: &str, new: &str) -> io::Result<()> {
    let diff = TextDiff::from_lines(old, new);
    let before = if old.is_empty() { "/dev/null" } else { name };
    let text = diff.unified_diff().header(before, name).to_string();
    for line in text.lines() {
        let style = match line.as_bytes().first() {
            Some(b'+') => AnsiColor::Green.on_default(),
            Some(b'-') => AnsiColor::Red.on_default(),
            _ => Style::new(),
        };
        writeln!(out, "{style}{line}{style:#}")?;
    }
    Ok(())
}

/// Golden traces without a test: removed if asked for, otherwise named.
fn prune(out: &mut impl Write, battery: &Battery, args: &BlessArgs) -> Result<(), Error> {
    for path in battery.orphans()? {
        let name = output::shown(&path);
        if !args.prune {
            writeln!(out, "{name} belongs to no test; --prune removes it")?;
        } else if args.dry_run {
            writeln!(out, "would remove {name}, which belongs to no test")?;
        } else {
            fs::remove_file(&path).map_err(|source| Error::Remove { path, source })?;
            writeln!(out, "removed {name}, which belonged to no test")?;
        }
    }
    Ok(())
}
