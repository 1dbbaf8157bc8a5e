//! How a call differs from what the contract demands, as a closed list, and the rule that it breaks.

use crate::call::{NULL, Request, System};
use crate::heap::Heap;
use crate::params::LARGEST;
use crate::run::Call;

/// The first thing that is wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Symptom {
    /// It never returned.
    NeverReturned,
    /// A signal inside, or a system call beyond brk, mmap and munmap.
    OwnCall,
    /// A system call where there must be none.
    Asked,
    /// No system call where there must be one.
    NotAsked,
    /// Several system calls where there must be one, or the wrong kind of them.
    OtherCalls,
    /// The break moved by the wrong number of bytes.
    BreakBy,
    /// A mapping of the wrong length.
    MapLength,
    /// A mapping asked for in another way than R9 says.
    MapKind,
    /// An munmap of the wrong length or address.
    Unmap,
    /// NULL instead of a block.
    Null,
    /// A block instead of NULL.
    NotNull,
    /// An address that is not aligned.
    Misaligned,
    /// Another block than it must be.
    OtherBlock,
}

impl Symptom {
    /// What is wrong with `seen`, which is not as `expected`.
    pub fn of(expected: &Call, seen: &Call, alignment: u64) -> Self {
        if seen.result.is_none() {
            return Self::NeverReturned;
        }
        let is_own = |event: &System| matches!(event, System::Other(_) | System::Signal(_) | System::Remap { .. });
        if seen.asked.iter().any(is_own) {
            return Self::OwnCall;
        }
        let pairs = expected.asked.iter().zip(&seen.asked).find(|(expected, seen)| expected != seen);
        let by_call = match pairs {
            Some((System::Brk { .. }, System::Brk { .. })) => Some(Self::BreakBy),
            Some((System::Map { .. }, System::Map { plain: false, .. })) => Some(Self::MapKind),
            Some((System::Map { .. }, System::Map { .. })) => Some(Self::MapLength),
            Some((System::Unmap { .. }, System::Unmap { .. })) => Some(Self::Unmap),
            Some(_) => Some(Self::OtherCalls),
            None => match (expected.asked.len(), seen.asked.len()) {
                (wanted, there) if wanted == there => None,
                (0, _) => Some(Self::Asked),
                (_, 0) => Some(Self::NotAsked),
                _ => Some(Self::OtherCalls),
            },
        };
        by_call.unwrap_or(match (expected.result, seen.result) {
            (Some(NULL), _) => Self::NotNull,
            (_, Some(NULL)) => Self::Null,
            (_, Some(result)) if result % alignment != 0 => Self::Misaligned,
            _ => Self::OtherBlock,
        })
    }

    /// The rule that is broken.
    pub fn rule(self, expected: &Call, seen: &Call, after: &Heap) -> u8 {
        match self {
            Self::MapLength | Self::MapKind => 9,
            Self::OwnCall if seen.asked.iter().any(|event| matches!(event, System::Remap { .. })) => 9,
            Self::Unmap => 8,
            Self::Misaligned => 17,
            _ => by_demand(expected, seen, after),
        }
    }

    /// In words, for a person.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NeverReturned => "the call never returned",
            Self::OwnCall => "it did something beyond brk, mmap and munmap",
            Self::Asked => "it made a system call where none is needed",
            Self::NotAsked => "it made no system call where one is needed",
            Self::OtherCalls => "it made other system calls",
            Self::BreakBy => "it moved the break by another number of bytes",
            Self::MapLength => "it mapped another number of bytes",
            Self::MapKind => "it asked for another kind of mapping",
            Self::Unmap => "it unmapped other bytes",
            Self::Null => "it gave NULL",
            Self::NotNull => "it gave a block instead of NULL",
            Self::Misaligned => "it gave an address that is not aligned",
            Self::OtherBlock => "it gave another block",
        }
    }
}

/// The rule that decides what the call must do.
fn by_demand(expected: &Call, seen: &Call, after: &Heap) -> u8 {
    let mapped = |call: &Call| call.asked.iter().any(|event| matches!(event, System::Map { .. }));
    let granted = |event: &System| !matches!(event, System::Map { start: None, .. }) && !is_refused(event);
    if expected.asked.iter().any(|event| !granted(event)) {
        return 15;
    }
    match expected.request {
        Request::Free { .. } if expected.asked.is_empty() && seen.result.is_none() => 14,
        Request::Free { .. } => 8,
        Request::Malloc { size: 0 } | Request::Calloc { nmemb: 0, .. } | Request::Calloc { size: 0, .. } => 1,
        Request::Malloc { size } | Request::Realloc { size, .. } if size > LARGEST => 2,
        Request::Calloc { nmemb, size } if nmemb.checked_mul(size).is_none_or(|size| size > LARGEST) => 2,
        Request::Realloc { size: 0, .. } => 10,
        Request::Realloc { pointer, .. } if pointer != NULL => by_resize(expected, seen, after),
        _ if mapped(expected) != mapped(seen) => 3,
        _ if mapped(expected) => 9,
        _ if preallocates(expected, after) => 4,
        _ if !expected.asked.is_empty() => 7,
        _ => 5,
    }
}

fn by_resize(expected: &Call, seen: &Call, after: &Heap) -> u8 {
    let Request::Realloc { pointer, size } = expected.request else { return 12 };
    let mapping = |address| after.mappings.iter().any(|mapping| mapping.start + after.params.header == address);
    let unmaps = |call: &Call| call.asked.iter().any(|event| matches!(event, System::Unmap { .. }));
    match expected.result {
        Some(NULL) => 10,
        _ if unmaps(expected) || unmaps(seen) || mapping(pointer) => 13,
        Some(stays) if stays == pointer && expected.asked.is_empty() => {
            let is_smaller =
                after.find(pointer).is_some_and(|found| after.block(found).size <= after.params.align(size));
            if is_smaller { 12 } else { 11 }
        }
        _ => 12,
    }
}

/// R4: the first blocks of the heap, and the break a preallocation behind their start, wherever that is.
fn preallocates(call: &Call, after: &Heap) -> bool {
    let end = after.blocks.first().map_or(0, |first| first.start + after.params.preallocation);
    after.blocks.len() <= 2 && call.asked.iter().any(|event| matches!(event, System::Brk { to, .. } if *to == end))
}

fn is_refused(event: &System) -> bool {
    matches!(event, System::Brk { to, now } if to != now)
}
