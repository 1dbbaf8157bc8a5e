//! Many random programs at once: each runs in a process of its own, and is compared with what the contract demands of it.
//!
//! A mark costs two switches to strace and back, so one stands only where a system call must be made, and behind it. Any other
//! system call, wherever it stands, is then one too many. What does not agree is only a suspect: it is watched by itself later.

use std::time::Duration;

use osmem_oracle::call::{Address, Granting, NULL, System};
use osmem_oracle::params::HEAP;
use osmem_oracle::program::{Done, Op};
use osmem_oracle::random::Generated;
use osmem_replay::FileHeader;
use osmem_trace::batch::{self, Fact, Mark, Sequence};
use osmem_trace::mark::Key;

use crate::error::Error;
use crate::lab::Lab;

/// Of so many programs one has all marks.
const THOROUGH: usize = 8;

/// Runs `programs`; the places of those that did not agree, and how many calls agreed.
pub fn run(
    lab: &Lab,
    programs: &[Generated],
    key: u64,
    time: Duration,
    cpu: Option<usize>,
) -> Result<(Vec<usize>, usize), Error> {
    let scripts = programs.iter().enumerate().map(|(place, program)| (&program.ops[..], marks(program, place)));
    let ran = lab.batch(scripts, key, time, cpu)?;
    let key = Key::new(key);
    let seen = batch::read(&ran.recording.log, ran.recording.stopped.is_some(), &key);
    let (mut suspects, mut calls) = (Vec::new(), 0);
    for (place, program) in programs.iter().enumerate() {
        let sequence = seen.as_ref().ok().filter(|seen| seen.ready && seen.moves.is_empty() && seen.forged.is_empty());
        let sequence = sequence.and_then(|seen| seen.sequences.get(&(place as u64)));
        match sequence.and_then(|seen| agreeing(program, place, seen, &ran.header, &ran.file)) {
            Some(agreed) => calls += agreed,
            None => suspects.push(place),
        }
    }
    Ok((suspects, calls))
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
