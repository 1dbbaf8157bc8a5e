//! Many random programs at once: each runs in a process of its own, and is compared with what the contract demands of it.
//!
//! A mark may cost two switches to the tracer and back, so one stands only where a system call must be made, and behind it. Any other
//! system call, wherever it stands, is then one too many. What does not agree is only a suspect: it is watched by itself later.

use std::time::Duration;

use osmem_oracle::call::{Address, Granting, NULL, System};
use osmem_oracle::params::HEAP;
use osmem_oracle::program::{Done, Op};
use osmem_oracle::random::Generated;
use osmem_replay::{FileHeader, State};
use osmem_trace::batch::{self, Fact, Mark, Sequence};
use osmem_trace::mark::Key;
use osmem_trace::run::Tracer;

use crate::error::Error;
use crate::lab::Lab;

/// Of so many programs one has all marks.
const THOROUGH: usize = 8;
/// How often each tracer looks again where they disagree.
const LOOKS: u32 = 3;

/// What one tracer shows of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// All of it is as it must be: its calls.
    Right(usize),
    /// Something differs.
    Suspect,
    /// It did not come to its end: how far it came depends on the time that it had.
    Unfinished,
}

/// Runs `programs`, the first of which has this number; the places of those that did not agree, and how many calls agreed.
///
/// Two tracers must show the same, unless one of them shows something else when it looks again.
pub fn run(
    lab: &Lab,
    first: u64,
    programs: &[Generated],
    key: &Key,
    time: Duration,
    cpu: Option<usize>,
) -> Result<(Vec<usize>, usize), Error> {
    let mut all: Vec<(String, Vec<Shown>)> = Vec::new();
    for tracer in lab.witness.tracers() {
        all.push((tracer.name(), shown(lab, tracer, programs, key, time, cpu)?));
        // Nobody compares what was interrupted.
        if lab.is_cancelled() {
            break;
        }
    }
    let (mut suspects, mut calls) = (Vec::new(), 0);
    for place in 0..programs.len() {
        let seen: Vec<(&str, Shown)> = all.iter().map(|(name, shown)| (name.as_str(), shown[place])).collect();
        match agreed(&seen) {
            Ok(Some(made)) => calls += made,
            Ok(None) => suspects.push(place),
            Err([right, wrong]) => {
                let mut varies = lab.is_cancelled();
                for _ in 0..LOOKS {
                    for (tracer, (_, before)) in lab.witness.tracers().zip(&all) {
                        varies = varies || shown(lab, tracer, programs, key, time, cpu)?[place] != before[place];
                    }
                }
                if !varies && !lab.is_cancelled() {
                    return Err(Error::Batch { program: first + place as u64, right, wrong });
                }
                suspects.push(place);
            }
        }
    }
    Ok((suspects, calls))
}

/// What all tracers agree on about a program: its calls, or that it is a suspect; otherwise the names of two that do not.
fn agreed(seen: &[(&str, Shown)]) -> Result<Option<usize>, [String; 2]> {
    let name =
        |wanted: fn(Shown) -> bool| seen.iter().find(|(_, shown)| wanted(*shown)).map(|(name, _)| (*name).to_owned());
    let right = name(|shown| matches!(shown, Shown::Right(_)));
    if let (Some(right), Some(wrong)) = (right, name(|shown| shown == Shown::Suspect)) {
        return Err([right, wrong]);
    }
    // How many calls a program makes is known beforehand.
    let calls = seen.iter().map(|(_, shown)| if let Shown::Right(calls) = shown { Some(*calls) } else { None });
    Ok(calls.collect::<Option<Vec<usize>>>().and_then(|calls| calls.first().copied()))
}

/// What a tracer shows of each program.
fn shown(
    lab: &Lab,
    tracer: &dyn Tracer,
    programs: &[Generated],
    key: &Key,
    time: Duration,
    cpu: Option<usize>,
) -> Result<Vec<Shown>, Error> {
    let scripts = programs.iter().enumerate().map(|(place, program)| (&program.ops[..], marks(program, place)));
    let ran = lab.batch(tracer, scripts, key, time, cpu)?;
    let steps = ran.recording.steps();
    let seen = steps.as_ref().ok().and_then(|steps| batch::read(steps, key).ok());
    let seen = seen.filter(|seen| seen.ready && seen.moves.is_empty() && seen.forged.is_empty());
    let whole = ran.recording.stopped.is_none();
    let shown = |(place, program): (usize, &Generated)| {
        let sequence = seen.as_ref().and_then(|seen| seen.sequences.get(&(place as u64)));
        match sequence.and_then(|seen| agreeing(program, place, seen, &ran.header, &ran.file)) {
            Some(calls) => Shown::Right(calls),
            None if whole && ended(&ran.header, &ran.file, place) => Shown::Suspect,
            None => Shown::Unfinished,
        }
    };
    Ok(programs.iter().enumerate().map(shown).collect())
}

/// Whether the process of a program ended by itself.
fn ended(header: &FileHeader, file: &[u8], place: usize) -> bool {
    let sequence = u32::try_from(place).ok().and_then(|place| header.sequence(file, place));
    let state = sequence.and_then(|sequence| sequence.state());
    matches!(state, Some(State::Exited | State::Signalled | State::Stopped))
}

/// Before which steps a mark stands: those that ask the system for something, and those behind them.
///
/// What gives memory cannot be put off to a later call, since the block is used at once; so most programs do without the second mark,
/// except behind an munmap.
fn marks(program: &Generated, place: usize) -> Vec<bool> {
    let thorough = place.is_multiple_of(THOROUGH);
    let asks =
        |done: &Done, wanted: fn(&System) -> bool| matches!(done, Done::Call(call) if call.asked.iter().any(wanted));
    let mut before = false;
    let marks = program.ops.iter().zip(&program.done).map(|(op, done)| {
        let marked = op.is_call() && (asks(done, |_| true) || before);
        before = asks(done, if thorough { |_| true } else { |asked| matches!(asked, System::Unmap { .. }) });
        marked
    });
    marks.collect()
}

/// How many calls a program made, if all of it is as it must be.
fn agreeing(program: &Generated, place: usize, seen: &Sequence<'_>, header: &FileHeader, file: &[u8]) -> Option<usize> {
    let marks = marks(program, place);
    let place = u32::try_from(place).ok()?;
    let sequence = header.sequence(file, place).filter(osmem_replay::Sequence::passed)?;
    let mut facts = seen.facts.iter().copied();
    let mut places = Places { heap: seen.heap?, mappings: Vec::new() };
    let mut calls = 0;
    for (step, ((op, done), marked)) in program.ops.iter().zip(&program.done).zip(marks).enumerate() {
        if marked && facts.next() != Some(Fact::Mark(Mark::Op(step as u64))) {
            return None;
        }
        let result = header.op(file, sequence.first + u32::try_from(step).ok()?)?.result;
        match done {
            Done::Call(call) => {
                calls += 1;
                for asked in &call.asked {
                    places.same(asked, facts.next()?)?;
                }
                if !matches!(op, Op::Free { .. }) && Some(places.see(result)) != call.result {
                    return None;
                }
            }
            Done::Break(_) | Done::Nothing if matches!(op, Op::MoveBreak { .. }) => {
                if facts.next() != Some(Fact::Mark(Mark::Program)) {
                    return None;
                }
                while facts.next()? != Fact::Mark(Mark::Done) {}
                if matches!(done, Done::Break(to) if places.see(result) != *to) {
                    return None;
                }
            }
            Done::Break(_) | Done::Nothing => {}
        }
    }
    let ends = facts.next() == Some(Fact::Mark(Mark::End)) && facts.next() == Some(Fact::Exited(0));
    (ends && facts.next().is_none()).then_some(calls)
}

/// Addresses of the process, and what the model calls them.
struct Places {
    heap: u64,
    /// Where each mapping begins and how long it is, in order.
    mappings: Vec<(u64, u64)>,
}

impl Places {
    fn see(&self, address: u64) -> Address {
        // The youngest first: an address may come again.
        let holds = |(start, length): &(u64, u64)| (*start..start + length).contains(&address);
        match self.mappings.iter().rposition(holds) {
            _ if address == 0 => NULL,
            Some(place) => {
                let number = u32::try_from(place).unwrap_or(u32::MAX).saturating_add(1);
                Granting::start_of(number) + (address - self.mappings[place].0)
            }
            None => HEAP.wrapping_add(address.wrapping_sub(self.heap)),
        }
    }

    /// Whether a system call is the one that is expected.
    fn same(&mut self, expected: &System, seen: Fact<'_>) -> Option<()> {
        let alike = match (expected, seen) {
            (System::Brk { to, now }, Fact::Brk { to: seen_to, now: Some(seen_now) }) => {
                self.see(seen_to) == *to && self.see(seen_now) == *now
            }
            (
                System::Map { length, start, .. },
                Fact::Mmap { length: seen_length, plain: true, start: seen_start, .. },
            ) => {
                self.mappings.extend(seen_start.map(|start| (start, seen_length)));
                *length == seen_length && start.is_some() == seen_start.is_some()
            }
            (System::Unmap { start, length, .. }, Fact::Munmap { address, length: seen_length, ok: true }) => {
                self.see(address) == *start && *length == seen_length
            }
            _ => false,
        };
        alike.then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tracers_show_is_the_same_or_an_error() {
        use Shown::{Right, Suspect, Unfinished};
        let both = |one, other| agreed(&[("one", one), ("other", other)]);
        assert_eq!(agreed(&[("one", Right(7))]), Ok(Some(7)));
        assert_eq!(agreed(&[("one", Suspect)]), Ok(None));
        assert_eq!(both(Right(7), Right(7)), Ok(Some(7)));
        assert_eq!(both(Suspect, Suspect), Ok(None));
        assert_eq!(both(Right(7), Suspect), Err(["one".to_owned(), "other".to_owned()]));
        assert_eq!(both(Suspect, Right(7)), Err(["other".to_owned(), "one".to_owned()]));
        // One tracer takes longer than the other.
        for other in [Right(7), Suspect, Unfinished] {
            assert_eq!(both(Unfinished, other), Ok(None));
            assert_eq!(both(other, Unfinished), Ok(None));
        }
    }
}
