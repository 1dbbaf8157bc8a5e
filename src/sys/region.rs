//! A break of our own: address space in which nothing else moves the heap's end.
//!
//! The C library moves the process's break as well, from any thread and without a lock that others could take. A heap of a
//! whole program therefore stands apart:
//!
//! ```text
//!            room that the kernel leaves free as long as it can
//!   ├──────────────────────────────┬───────────┬───────────────────┤
//!                                  │ the heap →│ its break
//! ```
//!
//! The place is the middle of a gap of 128 GiB. The kernel puts other mappings at one end of a gap, so that the
//! heap has half of that room before it meets any. The gap is not kept reserved: a reservation counts as address space,
//! and a program that limits its own (`RLIMIT_AS`) would have none left. Pages are mapped as the break moves up, without
//! ever replacing those of another mapping, and are never unmapped: below the break, and above it as far as it once
//! stood, memory can be read at any time. What a lower break gives back are the contents.
#![expect(unsafe_code, reason = "system calls")]

use super::{Memory, Sys, linux, raw};

/// Bytes of the gap that is looked for first, twice the largest span of a heap.
const ROOM: usize = 128 << 30;
/// Bytes of the smallest gap that is tried.
const LEAST_ROOM: usize = 1 << 20;
/// Distance from the break at which the heap first tries to go on, in bytes; doubled with each attempt.
const NEAREST: usize = 2 << 20;
/// Attempts to go on, the last of which is 32 GiB away: further than 64 GiB from its beginning no heap goes.
const ATTEMPTS: u32 = 15;
/// Attempts to find a gap anew, when another thread's mapping has just taken its middle.
const BEGINNINGS: u32 = 4;

/// A break of the process's own heap, and the system's mappings.
#[derive(Debug)]
pub struct Region {
    /// The break; 0 before it stands anywhere.
    end: usize,
    /// Pages are mapped up to here.
    mapped: usize,
    /// Whether pages that the kernel takes back read as zero; `None` before it was tried.
    gives_back: Option<bool>,
    /// Searches for another place that failed one after the other.
    failures: u32,
    /// Searches to be left out before the next one.
    pause: u32,
}

impl Region {
    /// Returns a break that stands nowhere yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { end: 0, mapped: 0, gives_back: None, failures: 0, pause: 0 }
    }

    /// Gives whole pages back, whose contents are given up. `false` if refused, or if that is known to change nothing: some
    /// emulators and filters say yes and do nothing, and calloc relies on it.
    fn give_back(&mut self, start: usize, bytes: usize) -> bool {
        if self.gives_back == Some(false) {
            return false;
        }
        let Some(place) = linux::at(start) else { return false };
        if self.gives_back.is_none() {
            // SAFETY: the first of the bytes that are given up.
            unsafe { place.write_volatile(1) };
        }
        // SAFETY: the caller's bytes, which are given up.
        let is_given = unsafe { raw::discard(start, bytes) };
        if is_given && self.gives_back.is_none() {
            // SAFETY: the page is still mapped.
            self.gives_back = Some(unsafe { place.read_volatile() } == 0);
        }
        is_given && self.gives_back == Some(true)
    }

    /// Finds the first place, with pages mapped for `length` bytes.
    fn begin(&mut self, length: usize) -> bool {
        // A gap as large as the whole limit is never granted.
        let most = ROOM.min(raw::address_space_limit() / 2);
        let mut room = ROOM;
        while room > most {
            room /= 2;
        }
        while room >= LEAST_ROOM {
            for _ in 0..BEGINNINGS {
                let Some(gap) = reserve(room) else { break };
                // SAFETY: a mapping of our own, which nothing else knows yet.
                unsafe { raw::munmap(gap, room) };
                if self.stand_at(gap + room / 2, length) {
                    return true;
                }
            }
            room /= 2;
        }
        false
    }

    /// Finds a place above the break and below `limit`, with pages mapped for `length` bytes.
    fn go_on(&mut self, length: usize, limit: usize) -> bool {
        let page = raw::page_size();
        (0..ATTEMPTS).any(|attempt| {
            let place = self.mapped.saturating_add(NEAREST << attempt) & !(page - 1);
            place.checked_add(length).is_some_and(|end| end <= limit) && self.stand_at(place, length)
        })
    }

    /// Makes the break stand at `place`, a page's beginning, if `length` bytes from there on are free.
    fn stand_at(&mut self, place: usize, length: usize) -> bool {
        let Some(length) = length.checked_next_multiple_of(raw::page_size()) else { return false };
        let is_free = map_exactly(place, length);
        if is_free {
            (self.end, self.mapped) = (place, place + length);
        }
        is_free
    }
}

impl Default for Region {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: pages are the kernel's answer to a request that replaces no other mapping, and are handed out once, as the break
// passes over them.
unsafe impl Sys for Region {
    fn current_break(&self) -> usize {
        self.end
    }

    fn move_break(&mut self, by: usize) -> Option<Memory> {
        let end = self.end.checked_add(by)?;
        if end > self.mapped {
            let length = end.checked_next_multiple_of(raw::page_size())? - self.mapped;
            if !map_exactly(self.mapped, length) {
                return None;
            }
            self.mapped += length;
        }
        let start = linux::at(self.end)?;
        self.end = end;
        // SAFETY: mapped pages between the old break and the new one.
        Some(unsafe { Memory::new(start, by) })
    }

    fn lower_break(&mut self, by: usize) -> bool {
        let Some(end) = self.end.checked_sub(by) else { return false };
        let from = end.next_multiple_of(raw::page_size());
        // The bytes above the old break hold nothing.
        let is_given = from >= self.mapped || self.give_back(from, self.mapped - from);
        if is_given {
            self.end = end;
        }
        is_given
    }

    fn leap(&mut self, room: usize, limit: usize) -> bool {
        if self.pause > 0 {
            self.pause -= 1;
            return false;
        }
        let is_found = if self.end == 0 { self.begin(room) } else { self.go_on(room, limit) };
        // A crowded address space stays so for a while: a search costs system calls.
        self.failures = if is_found { 0 } else { (self.failures + 1).min(10) };
        self.pause = (1 << self.failures) - 1;
        is_found
    }

    fn discard(&mut self, start: usize, bytes: usize) -> bool {
        self.give_back(start, bytes)
    }

    fn grows_clean(&self) -> bool {
        true
    }

    fn map(&mut self, length: usize) -> Option<Memory> {
        linux::map(length)
    }

    fn remap(&mut self, memory: Memory, length: usize) -> Result<Memory, Memory> {
        linux::remap(memory, length)
    }

    fn unmap(&mut self, memory: Memory) -> bool {
        linux::unmap(memory)
    }

    fn page_size(&self) -> usize {
        raw::page_size()
    }
}

/// Returns where `bytes` bytes of address space are free, which are reserved there without memory.
fn reserve(bytes: usize) -> Option<usize> {
    // SAFETY: without an address no existing mapping is touched.
    unsafe { raw::mmap(0, bytes, libc::PROT_NONE, libc::MAP_NORESERVE) }
}

/// Maps `length` bytes from `place` on, a page's beginning; `false`, and nothing mapped, if any of them is in use.
fn map_exactly(place: usize, length: usize) -> bool {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: this flag makes the kernel refuse rather than replace a mapping.
    match unsafe { raw::mmap(place, length, protection, libc::MAP_FIXED_NOREPLACE) } {
        Some(start) if start == place => true,
        Some(start) => {
            // A kernel older than 4.17 takes the place for a mere wish.
            // SAFETY: a mapping of our own, which nothing else knows yet.
            unsafe { raw::munmap(start, length) };
            false
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(region: &mut Region, by: usize) -> Memory {
        region.move_break(by).expect("room for a few pages")
    }

    #[test]
    fn the_break_moves_in_room_of_its_own() {
        let mut region = Region::new();
        assert_eq!(region.current_break(), 0);
        assert!(region.leap(100, usize::MAX));
        let start = region.current_break();
        let first = granted(&mut region, 24);
        assert_eq!((first.address(), first.length()), (start, 24));
        let second = granted(&mut region, 1 << 20);
        assert_eq!((second.address(), region.current_break()), (start + 24, start + 24 + (1 << 20)));
        // SAFETY: the bytes were just granted.
        unsafe { second.start().write_bytes(7, second.length()) };
        assert!(region.move_break(usize::MAX / 2).is_none());
        assert_eq!(region.current_break(), start + 24 + (1 << 20));
    }

    #[test]
    fn what_a_lower_break_gave_back_is_zero_again() {
        let mut region = Region::new();
        assert!(region.leap(1, usize::MAX));
        let memory = granted(&mut region, 64 << 10);
        // SAFETY: the bytes were just granted.
        unsafe { memory.start().write_bytes(7, 64 << 10) };
        assert!(region.lower_break(60 << 10));
        let again = granted(&mut region, 60 << 10);
        assert_eq!(again.address(), memory.address() + (4 << 10));
        // SAFETY: the bytes were just granted, and what is mapped can be read.
        let bytes = unsafe { std::slice::from_raw_parts(again.start().as_ptr(), 60 << 10) };
        assert!(bytes.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_mapping_in_the_way_is_left_alone_and_passed_by() {
        let mut region = Region::new();
        assert!(region.leap(1, usize::MAX));
        let first = granted(&mut region, 16);
        let page = region.page_size();
        let obstacle = (region.current_break() + (1 << 20)).next_multiple_of(page);
        assert!(map_exactly(obstacle, page));
        assert!(region.move_break(2 << 20).is_none(), "the obstacle stands in between");
        assert!(region.leap(2 << 20, usize::MAX));
        let second = granted(&mut region, 2 << 20);
        assert!(second.address() > obstacle && first.address() < obstacle);
        // SAFETY: our own mapping.
        assert!(unsafe { raw::munmap(obstacle, page) });
    }

    #[test]
    fn two_heaps_in_one_process_stand_apart() {
        let (mut one, mut other) = (Region::new(), Region::new());
        assert!(one.leap(1, usize::MAX) && other.leap(1, usize::MAX));
        assert!(one.current_break().abs_diff(other.current_break()) >= 1 << 30);
    }
}
