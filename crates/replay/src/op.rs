//! One step of a sequence, and its result.

use crate::record::record;

record! {
    /// A call or a deed of the program itself; [`Op::malloc`] and its like make one, the replayer fills in the result.
    pub struct Op of 48 bytes {
        /// Malloc and realloc: the size. Calloc: `nmemb`. Moves of the break: the bytes, an `i64`. Refuse: a [`Refusal`].
        pub a: u64,
        /// Calloc: the size of one.
        pub b: u64,
        /// What is added to the pointer that is passed.
        pub offset: i64,
        /// Result: the address returned, 0 for NULL; after a move of the break, the break.
        pub result: u64,
        /// The slot that the result goes to, of calls that have one.
        pub slot: u32,
        /// The slot that the pointer is taken from, if `pointer` says so.
        pub from: u32,
        /// A [`Kind`].
        pub kind: u8,
        /// Which pointer is passed: 0 NULL, 1 the last one in the slot `from`, 2 an address on the stack; see [`Pointer`].
        pub pointer: u8,
        /// Not 0: a mark is emitted before this op when all sequences are run.
        pub mark: u8,
        /// Result: 1 once the op is over.
        pub done: u8,
        /// Not used.
        pub reserved: [u8; 4],
    }
}

/// What an [`Op`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// `os_malloc(a)`.
    Malloc = 1,
    /// `os_calloc(a, b)`.
    Calloc = 2,
    /// `os_realloc(pointer, a)`.
    Realloc = 3,
    /// `os_free(pointer)`.
    Free = 4,
    /// The program moves the break up by `a` bytes; if `a` is negative, it takes back its last move up, unless the break is
    /// no longer where that left it.
    MoveBreak = 5,
    /// The system refuses from now on what the [`Refusal`] `a` says.
    Refuse = 6,
}

/// What the system refuses: every move of the break upwards, every new mapping, or nothing again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Refusal {
    /// Nothing: the limits are again what they were.
    Nothing = 0,
    /// Moves of the break upwards.
    Break = 1,
    /// New mappings.
    Mappings = 2,
}

/// The pointer that a call is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// NULL.
    Null,
    /// The last pointer except NULL that the slot got, freed or not, plus an offset; NULL if it never got one.
    Slot(u32, i64),
    /// A multiple of 8 on the replayer's stack, plus an offset.
    Stack(i64),
}

impl Op {
    /// `slot = os_malloc(size)`.
    #[must_use]
    pub fn malloc(slot: u32, size: u64) -> Self {
        Self { slot, a: size, ..Self::of(Kind::Malloc) }
    }

    /// `slot = os_calloc(nmemb, size)`.
    #[must_use]
    pub fn calloc(slot: u32, nmemb: u64, size: u64) -> Self {
        Self { slot, a: nmemb, b: size, ..Self::of(Kind::Calloc) }
    }

    /// `slot = os_realloc(pointer, size)`.
    #[must_use]
    pub fn realloc(slot: u32, pointer: Pointer, size: u64) -> Self {
        Self { slot, a: size, ..Self::of(Kind::Realloc) }.passing(pointer)
    }

    /// `os_free(pointer)`.
    #[must_use]
    pub fn free(pointer: Pointer) -> Self {
        Self::of(Kind::Free).passing(pointer)
    }

    /// The program moves the break up, or takes its last move back if `bytes` is negative.
    #[must_use]
    pub fn move_break(bytes: i64) -> Self {
        Self { a: bytes.cast_unsigned(), ..Self::of(Kind::MoveBreak) }
    }

    /// From now on the system refuses this.
    #[must_use]
    pub fn refuse(refusal: Refusal) -> Self {
        Self { a: refusal as u64, ..Self::of(Kind::Refuse) }
    }

    /// The same op with a mark before it.
    #[must_use]
    pub fn marked(self) -> Self {
        Self { mark: 1, ..self }
    }

    /// What it does, if `kind` says so.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        use Kind::{Calloc, Free, Malloc, MoveBreak, Realloc, Refuse};
        [Malloc, Calloc, Realloc, Free, MoveBreak, Refuse].into_iter().find(|kind| *kind as u8 == self.kind)
    }

    /// The pointer that is passed, if `pointer` says so.
    #[must_use]
    pub fn pointer(&self) -> Option<Pointer> {
        match self.pointer {
            0 => Some(Pointer::Null),
            1 => Some(Pointer::Slot(self.from, self.offset)),
            2 => Some(Pointer::Stack(self.offset)),
            _ => None,
        }
    }

    /// What is refused by an op that is [`Kind::Refuse`].
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        use Refusal::{Break, Mappings, Nothing};
        [Nothing, Break, Mappings].into_iter().find(|refusal| *refusal as u64 == self.a)
    }

    /// How many bytes the call asks for; more than there are if the number is too large for 64 bits.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self.kind() {
            Some(Kind::Malloc | Kind::Realloc) => self.a,
            Some(Kind::Calloc) => self.a.saturating_mul(self.b),
            _ => 0,
        }
    }

    /// Whether all its numbers mean something, with slots below `slots`.
    pub(crate) fn is_valid(&self, slots: u32) -> bool {
        let source = || match self.pointer() {
            Some(Pointer::Slot(from, _)) => from < slots,
            Some(Pointer::Null | Pointer::Stack(_)) => true,
            None => false,
        };
        match self.kind() {
            Some(Kind::Malloc | Kind::Calloc) => self.slot < slots,
            Some(Kind::Realloc) => self.slot < slots && source(),
            Some(Kind::Free) => source(),
            Some(Kind::MoveBreak) => true,
            Some(Kind::Refuse) => self.refusal().is_some(),
            None => false,
        }
    }

    fn of(kind: Kind) -> Self {
        Self { kind: kind as u8, ..Self::default() }
    }

    fn passing(self, pointer: Pointer) -> Self {
        let (pointer, from, offset) = match pointer {
            Pointer::Null => (0, 0, 0),
            Pointer::Slot(from, offset) => (1, from, offset),
            Pointer::Stack(offset) => (2, 0, offset),
        };
        Self { pointer, from, offset, ..self }
    }
}
