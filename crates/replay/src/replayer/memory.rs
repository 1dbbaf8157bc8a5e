//! A stretch of memory of the program's own and the pattern that it is filled with.

#![expect(unsafe_code, reason = "reads and writes the memory under test")]

use core::ops::Range;
use core::{ptr, slice};

use osmem_replay::pattern;

/// Blocks up to this size are always filled and verified whole.
const SMALL: usize = 16 << 10;
/// Of larger ones at least as much at each end, unless the run is thorough.
const END: usize = 1024;

/// A byte that is not what it must be.
#[derive(Clone, Copy)]
pub struct Difference {
    pub offset: usize,
    pub found: u8,
    pub wanted: u8,
}

impl Difference {
    /// As the details of a failed check.
    pub fn details(self) -> [u64; 3] {
        [self.offset as u64, u64::from(self.found), u64::from(self.wanted)]
    }
}

/// `size` bytes from `address` on that only this program may write to: a live block, or a part of the break.
///
/// M1: from the moment it was handed out until it is given back they are readable, writable and nobody else's, or the library
/// under test has broken its promise, and this process may end any way. They do not reach beyond [`usize::MAX`] / 2.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Memory {
    pub address: usize,
    pub size: usize,
    /// The op that it came from; the seed of its pattern is one more.
    pub op: u32,
    /// The slot that it was put into.
    pub slot: u32,
}

impl Memory {
    /// Whether it is thinkable at all: no address of a program lies in the upper half.
    pub fn fits(&self) -> bool {
        self.address.checked_add(self.size).is_some_and(|end| end <= usize::MAX / 2)
    }

    /// Whether the two have a byte in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (own, others) = (self.address + self.size, other.address + other.size);
        self.size > 0 && other.size > 0 && self.address < others && other.address < own
    }

    /// The parts that are filled and verified; each starts at a multiple of 8.
    fn parts(&self, thorough: bool) -> [Range<usize>; 2] {
        if thorough || self.size <= SMALL {
            [0..self.size, 0..0]
        } else {
            [0..END, (self.size - END) / 8 * 8..self.size]
        }
    }

    /// Fills it with its pattern.
    pub fn fill(&self, thorough: bool) {
        for part in self.parts(thorough) {
            let start = ptr::with_exposed_provenance_mut::<u8>(self.address + part.start);
            // SAFETY: M1.
            let bytes = unsafe { slice::from_raw_parts_mut(start, part.len()) };
            let (eights, rest) = bytes.as_chunks_mut::<8>();
            let mut index = part.start as u64 / 8;
            for eight in eights {
                *eight = self.pattern(index);
                index += 1;
            }
            let last = self.pattern(index);
            rest.iter_mut().zip(last).for_each(|(byte, wanted)| *byte = wanted);
        }
    }

    /// The first byte that no longer holds its pattern.
    pub fn difference(&self, thorough: bool) -> Option<Difference> {
        self.difference_in(self, thorough)
    }

    /// The first byte of `copy` that is not what this memory held there, as far as both reach and this one was filled.
    pub fn difference_in(&self, copy: &Self, thorough: bool) -> Option<Difference> {
        let reach = self.size.min(copy.size);
        self.parts(thorough).into_iter().find_map(|part| {
            let part = part.start.min(reach)..part.end.min(reach);
            let (eights, rest) = copy.bytes(&part).as_chunks::<8>();
            let first = part.start as u64 / 8;
            let wrong = (first..).zip(eights).find(|(index, eight)| **eight != self.pattern(*index));
            let (index, bytes) = match wrong {
                Some((index, eight)) => (index, &eight[..]),
                None => (first + eights.len() as u64, rest),
            };
            let start = part.start + usize::try_from(index - first).unwrap_or(0) * 8;
            let mut pairs = bytes.iter().zip(self.pattern(index)).enumerate();
            let (at, (found, wanted)) = pairs.find(|(_, (found, wanted))| **found != *wanted)?;
            Some(Difference { offset: start + at, found: *found, wanted })
        })
    }

    /// The first byte that is not zero.
    pub fn nonzero(&self) -> Option<Difference> {
        let bytes = self.bytes(&(0..self.size));
        // By the chunk first: a processor ors many bytes at a time.
        let chunk = bytes.chunks(256).position(|chunk| chunk.iter().fold(0, |all, byte| all | byte) != 0)?;
        let (before, from) = (chunk * 256, bytes.get(chunk * 256..)?);
        let at = from.iter().position(|byte| *byte != 0)?;
        Some(Difference { offset: before + at, found: from[at], wanted: 0 })
    }

    fn pattern(&self, index: u64) -> [u8; 8] {
        pattern(u64::from(self.op) + 1, index)
    }

    fn bytes(&self, part: &Range<usize>) -> &[u8] {
        // SAFETY: M1.
        unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(self.address + part.start), part.len()) }
    }
}
