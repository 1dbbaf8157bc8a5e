//! A fixture for another header size (O9), where that is exact.
//!
//! The calls of a fixture are replayed on two heaps in step, one with headers of [`CONTRACT`] bytes and one with the other
//! size. At each decision (mapped or not, which block, split or not, absorb, extend, grow) both must decide alike; then both
//! heaps are the same list of blocks, and differ only in numbers that follow by addition: a payload lies higher by one header
//! for each block up to it, a mapping is longer by one header, a split leaves the rest less a header. So the answer is exact,
//! and it meets no open point of the contract that the fixture does not meet. In addition the first heap must show what the
//! fixture shows, call by call. Where one of these does not hold there is no answer but [`NotExact`].

mod heap;
mod replay;

use thiserror::Error;

use crate::model::{Entry, Outcome, Place, Trace};
use replay::Replay;

/// The header size of the contract, in bytes; fixtures are written for it.
pub const CONTRACT: u64 = 32;

/// Why a fixture cannot be re-expressed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {why}")]
pub struct NotExact {
    /// The first call that makes it inexact: its line in the trace's text, counted from 1 (without comments).
    pub line: usize,
    /// The reason, for a person.
    pub why: String,
}

/// The header size, in bytes, that the allocator behind `trace` uses; `None` where the trace does not tell.
///
/// The first block of the heap begins at HEAP, and a block in a mapping begins with it: the payload is a header further.
pub fn measure(trace: &Trace) -> Option<u64> {
    let results = || {
        trace.calls().filter_map(|call| match call.result {
            Outcome::Returned(Some(place)) => Some(place),
            _ => None,
        })
    };
    let heap = results().find_map(|place| if let Place::Heap(offset) = place { Some(offset) } else { None });
    let mapping =
        || results().find_map(|place| if let Place::Map { offset, .. } = place { Some(offset) } else { None });
    heap.or_else(mapping).filter(|header| is_possible(*header))
}

/// Payloads are aligned to 8, and nobody needs more (a mistaken allocator may show anything).
fn is_possible(header: u64) -> bool {
    const LONGEST: u64 = 512;
    (1..=LONGEST).contains(&header) && header.is_multiple_of(8)
}

/// What `fixture`, written for headers of [`CONTRACT`] bytes, looks like for headers of `header` bytes.
pub fn re_express(fixture: &Trace, header: u64) -> Result<Trace, NotExact> {
    if header == CONTRACT {
        return Ok(fixture.clone());
    }
    if !is_possible(header) {
        return Err(NotExact { line: 1, why: format!("a header of {header} bytes is not possible") });
    }
    let mut replay = Replay::new([CONTRACT, header]);
    let mut entries = Vec::with_capacity(fixture.entries.len());
    let mut line = 1;
    for entry in &fixture.entries {
        let inexact = |why: &str| NotExact { line, why: why.into() };
        match entry {
            Entry::Program(_) if !replay.has_heap() => entries.push(entry.clone()),
            Entry::Program(_) => return Err(inexact("the program itself moves the break of a heap in use")),
            Entry::Call(call) => {
                let [ours, other] = replay.call(&call.request).map_err(inexact)?;
                if ours != *call {
                    return Err(inexact("the kernel refuses something here, or no rule explains the call"));
                }
                entries.push(Entry::Call(other));
                line += call.events.len();
            }
        }
        line += 1;
    }
    Ok(Trace { entries, end: fixture.end.clone() })
}
