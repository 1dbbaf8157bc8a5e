//! Whose fault is it? From what was seen of a run to the outcome of its test.

use osmem_trace::diff::{self, Mark};
use osmem_trace::header::{self, NotExact};
use osmem_trace::model::{Call, End, Entry, Outcome as Ending};
use osmem_trace::run::{EndProof, Stopped};
use osmem_trace::{Observation, Trace};

use crate::record::{Difference, Outcome, Row, TestRecord};
use crate::suite::Test;

/// Calls shown before and after the first difference.
const CONTEXT: usize = 3;
/// Lines of a difference before and from the first that differs; a call may make any number of system calls.
const LINES_BEFORE: usize = 12;
/// See [`LINES_BEFORE`].
const LINES_FROM: usize = 16;
/// Lines kept of what a program wrote.
const OUTPUT_LINES: usize = 8;
/// The loader's exit code when it cannot start a program.
const NOT_LOADED: i32 = 127;

/// What is wrong with a run, whatever trace was expected.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// Anything but pass and unjudged.
    pub outcome: Outcome,
    /// In one sentence.
    pub reason: String,
}

/// The expected trace of a test for a certain header size.
pub struct Expected {
    trace: Result<Trace, NotExact>,
    header: u64,
}

impl Expected {
    /// The golden trace, expressed for headers of `header` bytes as far as that is exact.
    pub fn of(golden: Trace, header: u64) -> Self {
        let trace = if header == header::CONTRACT { Ok(golden) } else { header::re_express(&golden, header) };
        Self { trace, header }
    }
}

/// Judges what was seen of `test`.
pub fn judge(test: &Test, seen: &Observation, expected: &Expected) -> TestRecord {
    let (outcome, reason) = match (fault(seen), &expected.trace) {
        (Some(fault), _) => (fault.outcome, Some(fault.reason)),
        (None, Ok(trace)) if *trace == seen.trace => (Outcome::Pass, None),
        (None, Ok(_)) => (Outcome::Fail, Some("the trace differs from the expected one".to_owned())),
        (None, Err(why)) => {
            let reason = format!("the expected trace is not exact for headers of {} bytes: {why}", expected.header);
            (Outcome::Unjudged, Some(reason))
        }
    };
    let trace = expected.trace.as_ref().ok();
    TestRecord {
        header: trace.map(|_| expected.header),
        difference: trace.filter(|_| outcome.is_failure()).and_then(|trace| difference(test, trace, &seen.trace)),
        output: if outcome.is_failure() { last_lines(&seen.stderr) } else { None },
        ..TestRecord::new(test, outcome, reason, seen.elapsed)
    }
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
    let seconds = seen.elapsed.as_secs_f64();
    match (seen.stopped, &seen.trace.end) {
        (Some(Stopped::Timeout), _) => {
            Some(Fault::new(Outcome::Timeout, format!("it did not end within {seconds:.1} s: {}", place())))
        }
        (Some(Stopped::LogLimit), _) => {
            Some(Fault::new(Outcome::Limit, format!("it made too many system calls to log: {}", place())))
        }
        (Some(Stopped::OutputLimit), _) => {
            Some(Fault::new(Outcome::Limit, format!("it wrote too much output: {}", place())))
        }
        (Some(Stopped::Cancelled), _) => Some(Fault::new(Outcome::InfraError, "it was interrupted".to_owned())),
        (None, End::Killed(signal)) => Some(Fault::new(Outcome::Crash, format!("{signal}: {}", place()))),
        (None, End::Exit(NOT_LOADED)) if !seen.began => {
            let words = last_line(&seen.stderr).unwrap_or_else(|| "it gave no reason".to_owned());
            Some(Fault::new(Outcome::InfraError, format!("the loader did not start the program: {words}")))
        }
        (None, End::Exit(status)) => {
            let reason = if let Some(function) = seen.missing.first() {
                format!("the library has no {}", function.name())
            } else if let Some(forged) = seen.forged.first() {
                format!("something other than the probe wrote a mark of the probe's, \"{}\"", forged.text)
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

/// The call as the trace writes it, without its result.
fn request(call: &Call) -> String {
    let alone = Trace { entries: vec![Entry::Call(Call { events: Vec::new(), ..call.clone() })], end: End::Exit(0) };
    let text = alone.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.split(" = ").next().unwrap_or(line).to_owned()
}

fn difference(test: &Test, expected: &Trace, actual: &Trace) -> Option<Difference> {
    let rule = *test.rules.first()?;
    let rows = diff::first_difference(expected, actual, CONTEXT)?.rows;
    Some(Difference { rule, sentence: rule.sentence(), context: shortened(rows.into_iter().map(Row::from).collect()) })
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
    (!kept.is_empty()).then(|| kept.join("\n"))
}

fn last_line(bytes: &[u8]) -> Option<String> {
    last_lines(bytes).and_then(|lines| lines.lines().last().map(str::to_owned))
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
    }
}
