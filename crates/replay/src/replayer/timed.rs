//! Measures how long the calls of a sequence take: nothing is verified, written down or announced between them.
//!
//! Only the calls of a valid program are made, so that the C library's heap bears it, too: a slot holds a block or NULL, and moves of the
//! break, refusals and pointers that are no block's are left out.

#![expect(unsafe_code, reason = "reads the clock")]

use osmem_replay::{Kind, Op, Pointer, State};

use crate::calls::{Call, Heap};
use crate::file::File;

/// Nanoseconds until which the sequence is repeated.
const LONG_ENOUGH: u64 = 20_000_000;
/// Repetitions, at most.
const MOST_PASSES: u64 = 10_000;

/// Measures the first sequence, and writes down passes, calls and nanoseconds.
pub fn time(file: &File, heap: Heap) {
    let (ops, results) = file.sequence(0);
    results.begun();
    // SAFETY: once, and there is no fork.
    let desk = unsafe { file.work.desk() };
    let (mut passes, mut calls, mut nanoseconds) = (0, 0, 0);
    while passes < MOST_PASSES && nanoseconds < LONG_ENOUGH {
        let start = now();
        calls += pass(ops, desk.slots, heap);
        nanoseconds += now().saturating_sub(start);
        passes += 1;
        for slot in desk.slots.iter_mut().filter(|slot| **slot != 0) {
            Call::Free(*slot).make_in(heap);
            *slot = 0;
        }
    }
    results.timed(passes, calls, nanoseconds);
    results.over(State::Exited, 0);
}

/// Makes the calls once. Returns their number.
fn pass(ops: &[Op], slots: &mut [usize], heap: Heap) -> u64 {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let mut calls = 0;
    for op in ops {
        let passed = match op.pointer() {
            Some(Pointer::Slot(slot, 0)) => Some(slot as usize),
            Some(Pointer::Null) => None,
            _ if matches!(op.kind(), Some(Kind::Realloc | Kind::Free)) => continue,
            _ => None,
        };
        let held = passed.map_or(0, |slot| slots[slot]);
        let call = match op.kind() {
            Some(Kind::Malloc) => Call::Malloc(number(op.size())),
            Some(Kind::Calloc) => Call::Calloc(number(op.a), number(op.b)),
            Some(Kind::Realloc) => Call::Realloc(held, number(op.size())),
            Some(Kind::Free) => Call::Free(held),
            _ => continue,
        };
        let result = call.make_in(heap);
        calls += 1;
        match op.kind() {
            Some(Kind::Free) => passed.into_iter().for_each(|slot| slots[slot] = 0),
            Some(Kind::Realloc) if result == 0 && op.size() > 0 => {}
            _ => {
                if matches!(op.kind(), Some(Kind::Realloc)) {
                    passed.into_iter().for_each(|slot| slots[slot] = 0);
                }
                // Its blocks go, or the repetitions would fill all memory.
                let former = core::mem::replace(&mut slots[op.slot as usize], result);
                if former != 0 {
                    Call::Free(former).make_in(heap);
                }
            }
        }
    }
    calls
}

/// Returns the clock, in nanoseconds.
fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock exists, and is written to `time`.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}
