//! A simulated system: it answers as the real one would, remembers what it was asked, and does what a test tells it to
//! do wrong.
//!
//! The break moves inside an arena, each mapping is a piece of memory of its own. Bytes below a new break are filled
//! with rubbish, since nothing promises that they are zero. The only part of this crate that allocates.
#![expect(unsafe_code, reason = "hands out raw memory of its own")]

use super::{Memory, Sys};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::RefCell;
use std::mem;
use std::ops::Range;
use std::ptr::NonNull;
use std::slice;

/// What fresh bytes of the heap hold.
const RUBBISH: u8 = 0xa5;
/// What bytes below a foreign break hold.
const FOREIGN: u8 = 0x5f;

/// One request to the system, and its answer. Queries of the break are not remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The break was asked to move up `by` bytes; `from` is where it stood, `None` if refused.
    MoveBreak {
        /// Bytes asked for.
        by: usize,
        /// The old break.
        from: Option<usize>,
    },
    /// The break was asked to move down `by` bytes.
    LowerBreak {
        /// Bytes given back.
        by: usize,
        /// Whether the system took them.
        taken: bool,
    },
    /// Whole pages of the heap were given back, which stay where they are.
    Discard {
        /// The first byte's address.
        start: usize,
        /// Bytes given back.
        bytes: usize,
        /// Whether the system took them.
        taken: bool,
    },
    /// A mapping was asked to have `length` bytes.
    Remap {
        /// Bytes asked for.
        length: usize,
        /// Where it begins now, `None` if refused.
        start: Option<usize>,
    },
    /// A mapping of `length` bytes was asked for; it begins at `start`, `None` if refused.
    Map {
        /// Bytes asked for.
        length: usize,
        /// The first byte's address.
        start: Option<usize>,
    },
    /// A mapping was given back.
    Unmap {
        /// The first byte's address.
        start: usize,
        /// Bytes given back.
        length: usize,
        /// Whether the system took it.
        taken: bool,
    },
}

/// The simulated system. A test tells it what to do through a shared reference, as `Allocator::sys` lends it.
#[derive(Debug)]
pub struct Sim {
    arena: Piece,
    page_size: usize,
    /// Bytes that may be mapped at the same time.
    room: usize,
    state: RefCell<State>,
}

/// A piece of memory, and which bytes of it still are mapped.
#[derive(Debug)]
struct Mapping {
    /// Lives as long as any of it is mapped.
    _piece: Piece,
    mapped: Range<usize>,
}

impl Mapping {
    fn new(piece: Piece) -> Self {
        let mapped = piece.address()..piece.address() + piece.length();
        Self { _piece: piece, mapped }
    }

    /// Takes whole mappings, or their beginning or their end; whether it did.
    fn give_back(&mut self, bytes: &Range<usize>) -> bool {
        if bytes.start < self.mapped.start || bytes.end > self.mapped.end {
            return false;
        }
        if bytes.start == self.mapped.start {
            self.mapped.start = bytes.end;
        } else if bytes.end == self.mapped.end {
            self.mapped.end = bytes.start;
        } else {
            return false;
        }
        true
    }
}

#[derive(Debug, Default)]
struct State {
    /// Bytes of the arena below the break.
    used: usize,
    /// Bytes of the arena that are, or were once, handed out or below what was.
    handed_out: usize,
    mappings: Vec<Mapping>,
    foreign: Vec<Range<usize>>,
    /// Answers until the one to refuse.
    refuse_in: Option<usize>,
    /// No move of the break is granted.
    refuse_break: bool,
    /// No mapping is granted.
    refuse_map: bool,
    /// Bytes by which a foreigner moves the break right before our next moves, and before how many of them.
    race: isize,
    races: usize,
    calls: Vec<Call>,
}

impl Sim {
    /// Pages of 4 KiB, a heap of at most 16 MiB, and 64 MiB for mappings.
    #[must_use]
    pub fn new() -> Self {
        Self::with(4096, 16 << 20, 64 << 20)
    }

    /// Pages of `page_size` bytes (a power of two), a heap of at most `heap` bytes, and `room` bytes for mappings.
    ///
    /// # Panics
    ///
    /// If the page size is no power of two, or the heap does not fit into memory.
    #[must_use]
    pub fn with(page_size: usize, heap: usize, room: usize) -> Self {
        assert!(page_size.is_power_of_two(), "a page of {page_size} bytes: not a power of two");
        let Some(arena) = Piece::new(heap, 16) else {
            panic!("a simulated heap of {heap} bytes does not fit into memory");
        };
        Self { arena, page_size, room, state: RefCell::default() }
    }

    /// What the system was asked since the last time this was called.
    pub fn take_calls(&self) -> Vec<Call> {
        mem::take(&mut self.state.borrow_mut().calls)
    }

    /// Refuses the `nth` answer from now on: 1 is the next move, mapping or unmapping, 0 is none.
    pub fn refuse(&self, nth: usize) {
        self.state.borrow_mut().refuse_in = nth.checked_sub(1);
    }

    /// Whether every move of the break, and whether every mapping, is refused from now on.
    pub fn refuse_kind(&self, moves: bool, mappings: bool) {
        let mut state = self.state.borrow_mut();
        (state.refuse_break, state.refuse_map) = (moves, mappings);
    }

    /// Whether the answer that [`refuse`](Self::refuse) named is still to come.
    #[must_use]
    pub fn will_refuse(&self) -> bool {
        self.state.borrow().refuse_in.is_some()
    }

    /// Someone else moves the break up or down by `by` bytes. The new bytes are marked as foreign, save those that were
    /// the allocator's before. `false` if it would leave the arena, and so stays where it is.
    pub fn move_break_as_foreigner(&self, by: isize) -> bool {
        let state = &mut *self.state.borrow_mut();
        let Some(to) = state.used.checked_add_signed(by).filter(|&to| to <= self.arena.length()) else {
            return false;
        };
        let new = state.used.max(state.handed_out)..to;
        if !new.is_empty() {
            self.arena.fill(new.clone(), FOREIGN);
            state.foreign.push(new);
        }
        for range in &mut state.foreign {
            range.end = range.end.min(to);
        }
        state.foreign.retain(|range| !range.is_empty());
        state.used = to;
        true
    }

    /// Someone else moves the break by `by` bytes in the very moment of our next move: after we asked where it stands.
    pub fn race(&self, by: isize) {
        self.race_for(1, by);
    }

    /// The same for our next `moves` moves.
    pub fn race_for(&self, moves: usize, by: isize) {
        let state = &mut *self.state.borrow_mut();
        (state.races, state.race) = (moves, by);
    }

    /// Whether every foreign byte is as its owner left it (R16).
    #[must_use]
    pub fn foreign_is_intact(&self) -> bool {
        self.state.borrow().foreign.iter().all(|range| self.arena.holds(range.clone(), FOREIGN))
    }

    /// Bytes mapped at the moment.
    #[must_use]
    pub fn mapped(&self) -> usize {
        self.state.borrow().mappings.iter().map(|mapping| mapping.mapped.len()).sum()
    }
}

impl State {
    /// Counts one answer: whether it is the one to refuse.
    fn is_refused(&mut self) -> bool {
        let refused = self.refuse_in == Some(0);
        self.refuse_in = self.refuse_in.and_then(|answers| answers.checked_sub(1));
        refused
    }
}

impl Default for Sim {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: memory of the arena and of the mappings lives as long as the system, and no byte is handed out twice.
unsafe impl Sys for Sim {
    fn current_break(&self) -> usize {
        self.arena.address() + self.state.borrow().used
    }

    fn move_break(&mut self, by: usize) -> Option<Memory> {
        let state = self.state.get_mut();
        if state.races > 0 {
            state.races -= 1;
            let by = state.race;
            self.move_break_as_foreigner(by);
        }
        let from = self.current_break();
        let state = self.state.get_mut();
        let refused = state.is_refused() || state.refuse_break || state.used < state.handed_out;
        let to = state.used.checked_add(by).filter(|&to| to <= self.arena.length() && !refused);
        state.calls.push(Call::MoveBreak { by, from: to.map(|_| from) });
        let old = state.used..to?;
        (state.used, state.handed_out) = (old.end, old.end);
        self.arena.fill(old.clone(), RUBBISH);
        // SAFETY: inside the arena and behind everything handed out before.
        Some(unsafe { Memory::new(self.arena.start.add(old.start), by) })
    }

    fn lower_break(&mut self, by: usize) -> bool {
        let state = self.state.get_mut();
        let taken = !state.is_refused() && !state.refuse_break && state.used == state.handed_out && by <= state.used;
        state.calls.push(Call::LowerBreak { by, taken });
        if taken {
            state.used -= by;
            state.handed_out = state.used;
        }
        taken
    }

    /// As a foreigner would: the break moves up by what the simulated heap has left, less `room`.
    fn leap(&mut self, room: usize, limit: usize) -> bool {
        let end = limit.saturating_sub(self.arena.address()).min(self.arena.length());
        let left = end.saturating_sub(self.state.get_mut().used);
        left >= room && self.move_break_as_foreigner((left - room).cast_signed())
    }

    /// Fills the pages with rubbish, so that contents which are still needed are seen to be lost.
    fn discard(&mut self, start: usize, bytes: usize) -> bool {
        let page = self.page_size;
        assert!(start.is_multiple_of(page) && bytes.is_multiple_of(page), "whole pages of the heap only");
        let from = start - self.arena.address();
        assert!(from + bytes <= self.state.get_mut().handed_out, "only memory of the heap");
        let taken = !self.state.get_mut().is_refused();
        if taken {
            self.arena.fill(from..from + bytes, RUBBISH);
        }
        self.state.get_mut().calls.push(Call::Discard { start, bytes, taken });
        taken
    }

    fn grows_clean(&self) -> bool {
        false // rubbish
    }

    fn map(&mut self, length: usize) -> Option<Memory> {
        let fits = length <= self.room.saturating_sub(self.mapped());
        let state = self.state.get_mut();
        let refused = state.is_refused() || state.refuse_map;
        let piece = if fits && !refused { Piece::new(length, self.page_size) } else { None };
        state.calls.push(Call::Map { length, start: piece.as_ref().map(Piece::address) });
        let start = piece.as_ref().map(|piece| piece.start);
        state.mappings.extend(piece.map(Mapping::new));
        // SAFETY: a new piece of memory, known to nobody else.
        start.map(|start| unsafe { Memory::new(start, length) })
    }

    /// Always moves, so that a pointer into the old place is seen to be wrong.
    fn remap(&mut self, memory: Memory, length: usize) -> Result<Memory, Memory> {
        let fits = length <= self.room.saturating_sub(self.mapped());
        let state = self.state.get_mut();
        let refused = state.is_refused() || state.refuse_map || !fits;
        let old = memory.address()..memory.address() + memory.length();
        let index = state.mappings.iter().position(|mapping| mapping.mapped == old).filter(|_| !refused);
        let new = index.and_then(|index| Some((index, Piece::new(length, self.page_size)?)));
        state.calls.push(Call::Remap { length, start: new.as_ref().map(|(_, piece)| piece.address()) });
        let Some((index, piece)) = new else { return Err(memory) };
        let start = piece.start;
        // SAFETY: two pieces of memory, both at least so long.
        unsafe { start.copy_from_nonoverlapping(memory.start(), length.min(memory.length())) };
        state.mappings[index] = Mapping::new(piece);
        // SAFETY: a new piece of memory, known to nobody else.
        Ok(unsafe { Memory::new(start, length) })
    }

    /// Takes whole live mappings, or one end of one. The real system would take more, but the allocator must never ask it
    /// to.
    fn unmap(&mut self, memory: Memory) -> bool {
        let state = self.state.get_mut();
        let refused = state.is_refused();
        let (start, length) = (memory.address(), memory.length());
        let bytes = start..start + length;
        let taken = !refused && state.mappings.iter_mut().any(|mapping| mapping.give_back(&bytes));
        state.calls.push(Call::Unmap { start, length, taken });
        state.mappings.retain(|mapping| !mapping.mapped.is_empty());
        taken
    }

    fn page_size(&self) -> usize {
        self.page_size
    }
}

/// Zeroed memory of our own.
#[derive(Debug)]
struct Piece {
    start: NonNull<u8>,
    layout: Layout,
}

impl Piece {
    fn new(length: usize, alignment: usize) -> Option<Self> {
        let layout = Layout::from_size_align(length, alignment).ok().filter(|layout| layout.size() > 0)?;
        // SAFETY: the size is not zero.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Self { start, layout })
    }

    fn address(&self) -> usize {
        self.start.addr().get()
    }

    fn length(&self) -> usize {
        self.layout.size()
    }

    fn fill(&self, bytes: Range<usize>, value: u8) {
        assert!(bytes.end <= self.length());
        // SAFETY: inside the piece.
        unsafe { self.start.add(bytes.start).write_bytes(value, bytes.len()) }
    }

    fn holds(&self, bytes: Range<usize>, value: u8) -> bool {
        assert!(bytes.end <= self.length());
        // SAFETY: inside the piece, and initialised since it was made.
        let bytes = unsafe { slice::from_raw_parts(self.start.add(bytes.start).as_ptr(), bytes.len()) };
        let expected = [value; 1024];
        bytes.chunks(expected.len()).all(|chunk| chunk == &expected[..chunk.len()])
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        // SAFETY: allocated with this very layout.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}
