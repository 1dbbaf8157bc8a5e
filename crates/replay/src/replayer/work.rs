//! Where a sequence keeps what it remembers: lists of fixed length in memory that was mapped before.
//!
//! The parent maps it and never touches it, so that every child finds it zero.

#![expect(unsafe_code, reason = "maps memory")]

use core::ffi::c_int;
use core::{ptr, slice};

use crate::memory::Memory;

/// The mapping, for the ops and slots of one sequence.
pub struct Work {
    start: *mut u8,
    slots: usize,
    longest: usize,
}

/// The parts of the mapping, in the hands of the one sequence that runs in a process.
pub struct Desk {
    /// For each slot the last pointer except NULL that it got.
    pub slots: &'static mut [usize],
    /// The live blocks.
    pub live: List,
    /// What the program gained by moving the break, last move last.
    pub gained: List,
}

impl Work {
    /// Maps memory for `slots` slots and sequences of up to `longest` ops.
    pub fn map(slots: u32, longest: u32) -> Option<Self> {
        let (slots, longest) = (slots as usize, longest as usize);
        let length = slots * size_of::<usize>() + 2 * longest * size_of::<Memory>();
        let start = map(length.max(1), libc::MAP_PRIVATE)?;
        Some(Self { start, slots, longest })
    }

    /// The parts, all of them zero.
    ///
    /// # Safety
    ///
    /// Once in a process, and never before a fork.
    pub unsafe fn desk(&self) -> Desk {
        let slots = self.start.cast::<usize>();
        // SAFETY: the mapping is long enough for the three; both types are made of numbers and need an alignment of 8.
        unsafe {
            let live = slots.add(self.slots).cast::<Memory>();
            let gained = live.add(self.longest);
            Desk {
                slots: slice::from_raw_parts_mut(slots, self.slots),
                live: List { all: slice::from_raw_parts_mut(live, self.longest), length: 0 },
                gained: List { all: slice::from_raw_parts_mut(gained, self.longest), length: 0 },
            }
        }
    }
}

/// Fresh memory, private to each process or shared with children to come.
pub fn map(length: usize, sharing: c_int) -> Option<*mut u8> {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, sharing | libc::MAP_ANONYMOUS);
    // SAFETY: takes nothing away from anybody.
    let start = unsafe { libc::mmap(ptr::null_mut(), length, protection, flags, -1, 0) };
    (start != libc::MAP_FAILED).then_some(start.cast())
}

/// A list whose order changes when something is taken out.
pub struct List {
    all: &'static mut [Memory],
    length: usize,
}

impl List {
    pub fn iter(&self) -> impl Iterator<Item = &Memory> {
        self.all.iter().take(self.length)
    }

    /// Adds one; every op adds at most one, so that there is room.
    pub fn push(&mut self, memory: Memory) {
        if let Some(place) = self.all.get_mut(self.length) {
            *place = memory;
            self.length += 1;
        }
    }

    /// The one added last, if nothing was taken out since but from the end.
    pub fn last(&self) -> Option<Memory> {
        self.iter().last().copied()
    }

    /// Takes out the one that came from the same op.
    pub fn remove(&mut self, memory: &Memory) {
        let index = self.iter().position(|one| one.op == memory.op);
        if let Some(index) = index {
            self.length -= 1;
            self.all[index] = self.all[self.length];
        }
    }
}
