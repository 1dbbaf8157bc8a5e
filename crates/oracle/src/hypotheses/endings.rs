//! What is no mistake with one rule: other ways to get memory, system calls of one's own, runs that do not end as they should.
//! They explain much, and so come last.

use super::{Hypothesis, other};
use crate::call::{Address, Function, NULL, System};
use crate::heap::{Heap, Status};
use crate::params::HEAP;
use crate::rules::Patch;
use crate::run::{Call, Check, End, Run, Trouble};

pub const ALL: &[Hypothesis] = &[
    other("no-system-memory", &NoSystemMemory),
    other("glibc-heap", &GlibcHeap),
    other("own-system-call", &OwnCalls),
    other("overlap", &Overlaps),
    other("forged-marks", &Ends(Kind::Forged)),
    other("early-exit", &Ends(Kind::EarlyExit)),
    other("timeout", &Ends(Kind::Timeout)),
    other("errno-wrong", &Ends(Kind::Errno)),
    other("crash", &Ends(Kind::Crash)),
];

/// Gives pieces of memory that it never asked the system for.
struct NoSystemMemory;

impl Patch for NoSystemMemory {
    fn explains(&self, own: &Call, seen: &Call, _heap: &Heap) -> Option<bool> {
        let given = seen.result != Some(NULL) || own.result == Some(NULL);
        Some(seen.asked.is_empty() && seen.result.is_some_and(|result| result < HEAP) && given)
    }
}

/// Leaves the work to the C library: breaks and mappings in whole pages, results aligned to 16.
struct GlibcHeap;

/// The C library's header, in bytes, and what it takes for its own cache in front of the first block.
const GLIBC_HEADERS: [u64; 2] = [0x10, 0x2a0];

/// The least by which the C library moves the break, in bytes.
const GLIBC_GROWTH: u64 = 0x2_1000;

impl Patch for GlibcHeap {
    /// The origin of a system call must prove it. Where no tracer looks for origins, one system call must show the C library's own
    /// numbers; results aligned to 16 prove nothing.
    fn may_have_made(&self, run: &Run) -> bool {
        if let Some(proved) = run.by_c_library {
            return proved;
        }
        let mut brk = run.brk;
        run.calls().any(|call| {
            let begin = brk;
            call.asked.iter().any(|event| match *event {
                System::Brk { to, now } if to == now => {
                    let grown = now.saturating_sub(std::mem::replace(&mut brk, now));
                    let placed = |header| call.result == Some(begin + header);
                    grown >= GLIBC_GROWTH && grown % 4096 == 0 && GLIBC_HEADERS.into_iter().any(placed)
                }
                System::Map { length, start: Some(start), .. } => {
                    length % 4096 == 0 && call.result == Some(start + GLIBC_HEADERS[0])
                }
                _ => false,
            })
        })
    }

    fn explains(&self, own: &Call, seen: &Call, heap: &Heap) -> Option<bool> {
        let page = heap.params.page;
        let whole = |event: &System| match event {
            System::Brk { to, .. } => to % page == 0,
            System::Map { length, .. } | System::Unmap { length, .. } | System::Remap { length, .. } => {
                length % page == 0
            }
            System::Other(_) | System::Signal(_) => true,
        };
        let given = seen.result.is_some_and(|result| (result != NULL && result % 16 == 0) || own.result == Some(NULL));
        Some(seen.asked.iter().all(whole) && given)
    }
}

/// Makes system calls that are none of an allocator's business, and does all else right.
struct OwnCalls;

impl Patch for OwnCalls {
    fn explains(&self, own: &Call, seen: &Call, _heap: &Heap) -> Option<bool> {
        let usual = seen.asked.iter().filter(|event| !matches!(event, System::Other(_) | System::Signal(_)));
        Some(own.result == seen.result && usual.eq(own.asked.iter()))
    }

    fn excuses(&self, trouble: &Trouble<'_>, _heap: &Heap) -> bool {
        trouble.other_calls
    }
}

/// Gives a block, for whatever reason, that lies in one that is in use.
struct Overlaps;

impl Patch for Overlaps {
    fn gives_up(&self, own: &Call, seen: &Call, heap: &Heap) -> bool {
        let header = heap.params.header;
        if seen.request.function() == Function::Free {
            return false;
        }
        let size = seen.request.bytes();
        let overlaps = |result: Address| {
            let in_use = heap
                .blocks
                .iter()
                .filter(|block| block.status == Status::Alloc && Some(block.start + header) != own.result);
            let end = result.saturating_add(size);
            in_use.into_iter().any(|block| result < block.start + header + block.size && block.start < end)
        };
        own.result != seen.result && seen.result.is_some_and(overlaps)
    }

    fn excuses(&self, trouble: &Trouble<'_>, _heap: &Heap) -> bool {
        matches!(trouble.end, End::Check(Check::Overlap | Check::Written))
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Forged,
    EarlyExit,
    Timeout,
    Errno,
    Crash,
}

/// Does all right up to an end that explains nothing.
struct Ends(Kind);

impl Patch for Ends {
    fn excuses(&self, trouble: &Trouble<'_>, _heap: &Heap) -> bool {
        match self.0 {
            Kind::Forged => *trouble.end == End::Forged,
            Kind::EarlyExit => *trouble.end == End::EarlyExit,
            Kind::Timeout => matches!(trouble.end, End::Timeout | End::Limit),
            Kind::Errno => *trouble.end == End::Check(Check::Errno),
            Kind::Crash => matches!(trouble.end, End::Crash(_)),
        }
    }
}
