//! What is no mistake with one rule: other ways to get memory, system calls of one's own, runs that do not end as they should.
//! They explain much, and so come last.

use super::{Hypothesis, other};
use crate::call::{Address, NULL, Request, System};
use crate::heap::{Heap, Status};
use crate::params::HEAP;
use crate::rules::Rules;
use crate::run::{Call, Check, End, Trouble};

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

impl Rules for NoSystemMemory {
    fn explains(&self, own: &Call, seen: &Call, _heap: &Heap) -> bool {
        seen.asked.is_empty()
            && seen.result.is_some_and(|result| result < HEAP)
            && (seen.result != Some(NULL) || own.result == Some(NULL))
    }
}

/// Leaves the work to the C library: breaks and mappings in whole pages, results aligned to 16.
struct GlibcHeap;

impl Rules for GlibcHeap {
    fn explains(&self, own: &Call, seen: &Call, heap: &Heap) -> bool {
        let page = heap.params.page;
        let whole = |event: &System| match event {
            System::Brk { to, .. } => to % page == 0,
            System::Map { length, .. } | System::Unmap { length, .. } | System::Remap { length, .. } => {
                length % page == 0
            }
            System::Other(_) | System::Signal(_) => true,
        };
        let given = seen.result.is_some_and(|result| (result != NULL && result % 16 == 0) || own.result == Some(NULL));
        seen.asked.iter().all(whole) && given
    }
}

/// Makes system calls that are none of an allocator's business, and does all else right.
struct OwnCalls;

impl Rules for OwnCalls {
    fn explains(&self, own: &Call, seen: &Call, _heap: &Heap) -> bool {
        let usual = seen.asked.iter().filter(|event| !matches!(event, System::Other(_) | System::Signal(_)));
        own.result == seen.result && usual.eq(own.asked.iter())
    }

    fn excuses(&self, trouble: &Trouble<'_>, _heap: &Heap) -> bool {
        trouble.other_calls
    }
}

/// Gives a block, for whatever reason, that lies in one that is in use.
struct Overlaps;

impl Rules for Overlaps {
    fn gives_up(&self, own: &Call, seen: &Call, heap: &Heap) -> bool {
        let header = heap.params.header;
        let size = match seen.request {
            Request::Malloc { size } | Request::Realloc { size, .. } => size,
            Request::Calloc { nmemb, size } => nmemb.saturating_mul(size),
            Request::Free { .. } => return false,
        };
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

impl Rules for Ends {
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
