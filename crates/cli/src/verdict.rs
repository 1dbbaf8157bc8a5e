//! Whose fault is it? From what was seen of a run to the outcome of its test.

use osmem_trace::diff::{self, Mark};
use osmem_trace::header;
use osmem_trace::model::{Call, End, Entry, Outcome as Ending};
use osmem_trace::run::{EndProof, Module, Origin, Source, Stopped};
use osmem_trace::{Observation, Trace};

use osmem_oracle::follow::Divergence;
use osmem_oracle::readings::Allowed;
use osmem_oracle::run::{Run, Step};
use osmem_replay::check;

use crate::args::Against;
use crate::record::{Difference, Judge, Outcome, Row, TestRecord};
use crate::rules::Rule;
use crate::suite::{Profile, Test};
use crate::{basic, convert, scene};

/// Calls shown before and after the first difference.
pub const CONTEXT: usize = 3;
/// Lines of a difference before and from the first that differs; a call may make any number of system calls.
const LINES_BEFORE: usize = 12;
/// See [`LINES_BEFORE`].
const LINES_FROM: usize = 16;
/// Lines kept of what a program wrote.
const OUTPUT_LINES: usize = 8;
/// Characters kept of one of them.
const OUTPUT_COLUMNS: usize = 400;
/// The loader's exit code when it cannot start a program.
const NOT_LOADED: i32 = 127;

/// What is wrong with a run, whatever trace was expected.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// Anything but pass.
    pub outcome: Outcome,
    /// In one sentence.
    pub reason: String,
}

/// What a run of a test is held against.
///
/// A run as the golden trace has it passes. Any other is judged by the contract as a model, unless only one outcome is right: that of
/// the golden trace.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The golden trace; `None` where it is written for another header or for other sizes, or is not wanted.
    golden: Option<&'a Trace>,
    header: u64,
    /// The readings that the oracle accepts.
    allowed: Allowed,
}

impl<'a> Expected<'a> {
    /// For a run with headers of `header` bytes. `golden` is the golden trace where the program counts with its own numbers.
    pub fn of(golden: Option<&'a Trace>, header: u64, allowed: Allowed, against: Against) -> Self {
        let golden = golden.filter(|_| against == Against::Fixtures && header == header::CONTRACT);
        Self { golden, header, allowed }
    }

    /// Whether the golden trace alone decides.
    fn is_pinned(&self) -> bool {
        self.golden.is_some() && self.allowed.is_settled()
    }
}

/// Judges what was seen of `test`.
pub fn judge(test: &Test, seen: &Observation, run: &Run, expected: &Expected<'_>) -> TestRecord {
    let mut record = TestRecord { header: expected.header, ..TestRecord::new(test, Outcome::Pass, None, seen.elapsed) };
    record.feigned = !seen.forged.is_empty();
    let fault = fault(seen).filter(|fault| {
        expected.is_pinned() || fault.outcome != Outcome::Fail || !is_misplaced(seen) || seen.other.is_some()
    });
    // Printing counts only where all that is left open is settled.
    let quiet = (!expected.allowed.is_settled()).then(|| seen.trace.without_output());
    let trace = quiet.as_ref().unwrap_or(&seen.trace);
    let is_golden = |golden: &Trace| {
        if expected.is_pinned() { golden == trace } else { scene::is_golden(test, golden, trace) }
    };
    if expected.golden.is_some_and(is_golden) && fault.is_none() {
        return record;
    }
    if test.profile == Profile::Basic && !expected.is_pinned() {
        let reason = fault.map(|fault| (fault.outcome, fault.reason));
        if let Some((outcome, reason)) = reason.or_else(|| basic::broken(&seen.trace).map(|why| (Outcome::Fail, why))) {
            record.fail(outcome, reason);
            record.output = last_lines(&seen.stderr);
        }
        return record;
    }
    match (fault, expected.golden) {
        (Some(fault), golden) => {
            record.fail(fault.outcome, fault.reason);
            record.difference = match golden {
                _ if is_halfway(seen) => None,
                Some(golden) => difference(test, golden, trace),
                None => {
                    let found = scene::differences(test, run, expected.header, expected.allowed);
                    found.first().and_then(|(step, divergence)| demanded_in(run, *step, divergence))
                }
            };
        }
        (None, Some(golden)) if expected.is_pinned() => {
            record.fail(Outcome::Fail, "the trace differs from the expected one".to_owned());
            record.difference = difference(test, golden, trace);
        }
        (None, _) => {
            record.judged_by = Judge::Oracle;
            scene::weigh(test, run, (expected.header, expected.allowed), &mut record);
        }
    }
    if record.outcome.is_failure() {
        record.output = last_lines(&seen.stderr);
        record.origins = strangers(seen);
    }
    record
}

/// Whether a program came to its end and only saw a block elsewhere than it expected, which the trace shows as well.
fn is_misplaced(seen: &Observation) -> bool {
    matches!(seen.proof, Some(EndProof::Return(check::MISPLACED) | EndProof::Exit(check::MISPLACED)))
}

/// What is wrong with a run by itself: it is no whole run, or the program's own checks failed.
pub fn fault(seen: &Observation) -> Option<Fault> {
    incomplete(seen).or_else(|| {
        let (Some(EndProof::Return(status) | EndProof::Exit(status)), End::Exit(_)) = (seen.proof, &seen.trace.end)
        else {
            return None;
        };
        let words = last_line(&seen.stderr).map(|line| format!(": {line}")).unwrap_or_default();
        (status != 0).then(|| Fault::new(Outcome::Fail, format!("the program ended with status {status}{words}")))
    })
}

/// Why a run is no whole run of the program: stopped, crashed, ended by someone else, or with marks that are not the probe's.
pub fn incomplete(seen: &Observation) -> Option<Fault> {
    let place = || whereabouts(seen);
    if let Some(call) = seen.refused.first() {
        return Some(Fault::new(Outcome::Forbidden, format!("{call}: {}", place())));
    }
    match (seen.stopped, &seen.trace.end) {
        (Some(Stopped::Timeout), _) => Some(Fault::new(Outcome::Timeout, timeout(seen))),
        (Some(Stopped::LogLimit), _) => {
            Some(Fault::new(Outcome::Limit, format!("it made too many system calls to log: {}", place())))
        }
        (Some(Stopped::OutputLimit), _) => {
            Some(Fault::new(Outcome::Limit, format!("it wrote too much output: {}", place())))
        }
        (Some(Stopped::MemoryLimit), _) => {
            Some(Fault::new(Outcome::Limit, format!("it went over the limit on memory: {}", place())))
        }
        (Some(Stopped::Starter(what)), _) => {
            Some(Fault::new(Outcome::Limit, format!("it went over the limit on {what}: {}", place())))
        }
        (Some(Stopped::Starved), _) => Some(Fault::new(Outcome::InfraError, "this machine was too busy".to_owned())),
        (Some(Stopped::Cancelled), _) => Some(Fault::new(Outcome::InfraError, "it was interrupted".to_owned())),
        // What the filter of a box does with calls of another architecture.
        (None, End::Killed(signal)) if signal == "SIGSYS" => Some(Fault::new(
            Outcome::Forbidden,
            format!("SIGSYS, as for a system call of another architecture: {}", place()),
        )),
        (None, End::Killed(signal)) if signal == "SIGXCPU" => {
            Some(Fault::new(Outcome::Limit, format!("it went over the limit on processor time: {}", place())))
        }
        (None, End::Killed(signal)) if signal == "SIGXFSZ" => {
            Some(Fault::new(Outcome::Limit, format!("it went over the limit on the size of files: {}", place())))
        }
        (None, End::Killed(signal)) => Some(Fault::new(Outcome::Crash, format!("{signal}: {}", place()))),
        (None, End::Exit(_)) if seen.other.is_some() => Some(Fault::new(Outcome::Fail, unlike(seen))),
        (None, End::Exit(NOT_LOADED)) if !seen.began => {
            let words = last_line(&seen.stderr).unwrap_or_else(|| "it gave no reason".to_owned());
            Some(Fault::new(Outcome::InfraError, format!("the loader did not start the program: {words}")))
        }
        (None, End::Exit(status)) => {
            let reason = if let Some(function) = seen.missing.first() {
                format!("the library has no {}", function.name())
            } else if let Some(forged) = seen.forged.first() {
                // Whatever a library likes, so nothing that a terminal obeys, and no line break.
                let text = cut(&forged.text.escape_debug().to_string());
                format!("something other than the probe wrote a mark of the probe's, \"{text}\"")
            } else if seen.proof.is_none() {
                format!("the program ended, with status {status}, before its main did: {}", place())
            } else {
                return None;
            };
            Some(Fault::new(Outcome::Fail, reason))
        }
    }
}

impl Fault {
    fn new(outcome: Outcome, reason: String) -> Self {
        Self { outcome, reason }
    }
}

/// That a run did not end in time. Where it was told only where it stood still: elsewhere that depends on the machine.
fn timeout(seen: &Observation) -> String {
    let seconds = seen.time.as_secs_f64();
    let place = if is_halfway(seen) { "it was still going from call to call".to_owned() } else { whereabouts(seen) };
    format!("it did not end within {seconds} s of its own: {place}")
}

/// Returns that two runs under one tracer are not alike, and from where on.
fn unlike(seen: &Observation) -> String {
    let mut others = seen.other.iter().flat_map(Trace::calls);
    let differs = seen.trace.calls().find(|call| others.next() != Some(call));
    let place = differs.map_or_else(|| "after the last call".to_owned(), |call| format!("from {} on", request(call)));
    format!("it does not do the same in two runs of one program, seen by the same tracer: they differ {place}")
}

/// Whether a run was stopped somewhere on its way, by a clock: what was seen of it depends on the machine.
pub fn is_halfway(seen: &Observation) -> bool {
    seen.stopped == Some(Stopped::Timeout) && !seen.spent.stuck
}

/// Which call a run that ended too early ended in, or after which one.
pub fn whereabouts(seen: &Observation) -> String {
    if let Some(call) = seen.trace.calls().find(|call| call.result == Ending::Never) {
        return format!("{} never returned", request(call));
    }
    match seen.trace.calls().last() {
        Some(call) => format!("outside the library, after {}", request(call)),
        None => "before the first os_* call".to_owned(),
    }
}

/// System calls that the library neither made itself nor through a plain wrapper of the C library: the first few.
fn strangers(seen: &Observation) -> Vec<String> {
    const SHOWN: usize = 3;
    let strange = |origin: &Origin| origin.through.is_some() || !matches!(origin.module, Module::Library | Module::C);
    let sources = seen.origins.iter().filter(|source| strange(&source.origin));
    sources.filter_map(|source| origin(seen, source)).take(SHOWN).collect()
}

/// Where a system call came from, in one sentence.
pub fn origin(seen: &Observation, source: &Source) -> Option<String> {
    let call = seen.trace.calls().nth(source.call)?;
    let event = call.events.get(source.event)?.to_string();
    let name = event.split('(').next().unwrap_or_default();
    Some(format!("{name} in {}: made by {}", request(call), source.origin))
}

/// The call as the trace writes it, without its result.
pub fn request(call: &Call) -> String {
    let alone = Trace { entries: vec![Entry::Call(Call { events: Vec::new(), ..call.clone() })], end: End::Exit(0) };
    let text = alone.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.split(" = ").next().unwrap_or(line).to_owned()
}

/// A divergence in one sentence.
pub fn told(divergence: &Divergence) -> String {
    let call = request(&convert::call_of(&divergence.seen));
    format!("{call} breaks R{}: {}", divergence.rule, divergence.symptom.sentence())
}

/// What the contract demands of a step of a whole run, beside what was seen.
pub fn demanded_in(run: &Run, step: usize, divergence: &Divergence) -> Option<Difference> {
    let mappings: u32 = run.steps[..step].iter().map(convert::mappings).sum();
    demanded(step, divergence, &run.steps, mappings + 1)
}

/// What the contract demands beside what was seen, after the steps before it.
///
/// `mapping` is the number of the next mapping.
pub fn demanded(step: usize, divergence: &Divergence, steps: &[Step], mapping: u32) -> Option<Difference> {
    let rule: Rule = format!("R{}", divergence.rule).parse().ok()?;
    let before = steps[step.saturating_sub(CONTEXT)..step].iter().map(convert::entry_of);
    let trace = |call: Call| Trace { entries: before.clone().chain([Entry::Call(call)]).collect(), end: End::Exit(0) };
    let expected = convert::expected_call(&divergence.expected, mapping);
    let rows = diff::rows(&trace(expected), &trace(convert::call_of(&divergence.seen)));
    let mut context: Vec<Row> = rows.into_iter().map(Row::from).collect();
    // The end line stands for nothing.
    context.pop();
    Some(Difference { rule, sentence: rule.sentence().to_owned(), context: shortened(context) })
}

fn difference(test: &Test, expected: &Trace, actual: &Trace) -> Option<Difference> {
    let rule = *test.rules.first()?;
    let rows = diff::first_difference(expected, actual, CONTEXT)?.rows;
    Some(Difference {
        rule,
        sentence: rule.sentence().to_owned(),
        context: shortened(rows.into_iter().map(Row::from).collect()),
    })
}

/// The rows around the first that differs; what is left out shows as a row of dots.
fn shortened(mut rows: Vec<Row>) -> Vec<Row> {
    let dots = || Row { mark: ' ', expected: Some("…".to_owned()), actual: Some("…".to_owned()) };
    let differs = rows.iter().position(|row| row.mark != ' ').unwrap_or(0);
    if rows.len() > differs + LINES_FROM {
        rows.truncate(differs + LINES_FROM);
        rows.push(dots());
    }
    if differs > LINES_BEFORE {
        rows.splice(..differs - LINES_BEFORE, [dots()]);
    }
    rows
}

impl From<diff::Row> for Row {
    fn from(row: diff::Row) -> Self {
        let mark = match row.mark {
            Mark::Same => ' ',
            Mark::Changed => '~',
            Mark::OnlyExpected => '-',
            Mark::OnlyActual => '+',
        };
        Self { mark, expected: row.expected, actual: row.actual }
    }
}

/// The last lines of a program's output, without what a terminal would act upon.
pub fn last_lines(bytes: &[u8]) -> Option<String> {
    let text = printable(&String::from_utf8_lossy(bytes));
    let lines: Vec<_> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let kept = &lines[lines.len().saturating_sub(OUTPUT_LINES)..];
    let kept: Vec<_> = kept.iter().map(|line| cut(line)).collect();
    (!kept.is_empty()).then(|| kept.join("\n"))
}

fn last_line(bytes: &[u8]) -> Option<String> {
    last_lines(bytes).and_then(|lines| lines.lines().last().map(str::to_owned))
}

/// A line of a bounded length.
fn cut(line: &str) -> String {
    match line.char_indices().nth(OUTPUT_COLUMNS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_differences_are_cut_around_the_first_row() {
        let row = |mark: char, number: usize| Row { mark, expected: Some(number.to_string()), actual: None };
        let rows: Vec<_> = (0..1000).map(|number| row(if number < 500 { ' ' } else { '-' }, number)).collect();
        let cut = shortened(rows);
        assert_eq!(cut.len(), 1 + LINES_BEFORE + LINES_FROM + 1);
        assert_eq!(cut[0].expected.as_deref(), Some("…"));
        assert_eq!(cut[1].expected.as_deref(), Some("488"));
        assert_eq!(cut[LINES_BEFORE + LINES_FROM].expected.as_deref(), Some("515"));
        assert_eq!(cut[LINES_BEFORE + LINES_FROM + 1].actual.as_deref(), Some("…"));
        assert_eq!(shortened(vec![row(' ', 1), row('~', 2)]).len(), 2);
    }

    #[test]
    fn only_the_last_lines_are_kept_and_nothing_that_a_terminal_obeys() {
        assert_eq!(last_lines(b"\n \n"), None);
        assert_eq!(last_lines(b"one\r\n\x1b[2Jtwo\xff\n").as_deref(), Some("one\u{fffd}\n\u{fffd}[2Jtwo\u{fffd}"));
        let many: String = (0..100).map(|number| format!("{number}\n")).collect();
        assert_eq!(last_lines(many.as_bytes()).unwrap().lines().next(), Some("92"));
        let long = last_lines("é".repeat(100_000).as_bytes()).unwrap();
        assert_eq!(long, format!("{}…", "é".repeat(OUTPUT_COLUMNS)));
    }
}
