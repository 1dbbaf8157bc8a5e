//! What goes in and out of an allocator: calls, and the system calls that they make.

/// An address as a plain number, at most 2^62, as those of all programs are; [`NULL`] is the null pointer.
pub type Address = u64;

/// The null pointer.
pub const NULL: Address = 0;

/// The four functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    /// `os_malloc`
    Malloc,
    /// `os_calloc`
    Calloc,
    /// `os_realloc`
    Realloc,
    /// `os_free`
    Free,
}

/// A function with its arguments; sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are the C parameters of the same names")]
pub enum Request {
    /// `os_malloc(size)`
    Malloc { size: u64 },
    /// `os_calloc(nmemb, size)`
    Calloc { nmemb: u64, size: u64 },
    /// `os_realloc(pointer, size)`
    Realloc { pointer: Address, size: u64 },
    /// `os_free(pointer)`
    Free { pointer: Address },
}

impl Request {
    /// Which function is called.
    pub const fn function(&self) -> Function {
        match self {
            Self::Malloc { .. } => Function::Malloc,
            Self::Calloc { .. } => Function::Calloc,
            Self::Realloc { .. } => Function::Realloc,
            Self::Free { .. } => Function::Free,
        }
    }

    /// Returns the bytes that are asked for; 0 for `os_free`.
    pub const fn bytes(&self) -> u64 {
        match *self {
            Self::Malloc { size } | Self::Realloc { size, .. } => size,
            Self::Calloc { nmemb, size } => nmemb.saturating_mul(size),
            Self::Free { .. } => 0,
        }
    }
}

/// One system call, or something else that happened, inside a call; with the kernel's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum System {
    /// A request to move the break.
    Brk {
        /// The break asked for.
        to: Address,
        /// The break afterwards: `to` if granted, as it was if refused.
        now: Address,
    },
    /// A new mapping.
    Map {
        /// In bytes, as asked for.
        length: u64,
        /// Asked for as R9 says: anywhere, readable and writable, private and anonymous.
        plain: bool,
        /// Where it begins; `None` if refused.
        start: Option<Address>,
    },
    /// The end of a mapping.
    Unmap {
        /// Where.
        start: Address,
        /// In bytes, as asked for.
        length: u64,
        /// Whether the kernel did it.
        taken: bool,
    },
    /// A mapping resized by `mremap`, which R9 forbids.
    Remap {
        /// Where it was.
        start: Address,
        /// Its new length in bytes.
        length: u64,
        /// Where it is; `None` if refused.
        to: Option<Address>,
    },
    /// Any other system call, by its name.
    Other(Box<str>),
    /// A signal, by its name.
    Signal(Box<str>),
}

/// Who answers the system calls of a [`Model`](crate::model::Model).
pub trait Kernel {
    /// The break stands at `now` and shall move to `to`. Answers with the break afterwards.
    fn brk(&mut self, now: Address, to: Address) -> Address;
    /// A mapping of `length` bytes: where it begins, `None` if refused. `plain` is false where more was asked for than R9 does.
    fn map(&mut self, length: u64, plain: bool) -> Option<Address>;
    /// Whether a mapping is taken back.
    fn unmap(&mut self, start: Address, length: u64) -> bool;
    /// Where a mapping lies that is resized by `mremap`.
    fn remap(&mut self, start: Address, length: u64) -> Option<Address>;
}

/// A kernel that grants everything a real one could, or refuses what it is told to.
#[derive(Clone, Debug, Default)]
pub struct Granting {
    /// No move of the break is granted.
    pub refuse_break: bool,
    /// No mapping is granted.
    pub refuse_map: bool,
    mapped: u64,
}

/// Where a [`Granting`] kernel begins to map.
const MAPPINGS: u64 = 1 << 44;

impl Granting {
    /// Mappings lie this far apart, in bytes; nothing longer is granted.
    pub const ROOM: u64 = 1 << 36;

    /// There is room for so many.
    pub const MOST: u32 = ((UNSEEN - MAPPINGS) / Self::ROOM) as u32;

    /// Grants all.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of the mapping that `address` lies in, from 1, and the bytes above its start; `None` for any other address.
    pub fn mapping_of(address: Address) -> Option<(u32, u64)> {
        let above = address.checked_sub(MAPPINGS)?;
        let number = u32::try_from(above / Self::ROOM + 1).ok()?;
        Some((number, above % Self::ROOM))
    }

    /// Where the mapping of this number begins, from 1.
    pub fn start_of(number: u32) -> Address {
        MAPPINGS + (u64::from(number) - 1) * Self::ROOM
    }
}

impl Kernel for Granting {
    fn brk(&mut self, now: Address, to: Address) -> Address {
        if self.refuse_break && to > now { now } else { to }
    }

    fn map(&mut self, length: u64, _plain: bool) -> Option<Address> {
        if self.refuse_map || length >= Self::ROOM {
            return None;
        }
        self.mapped += 1;
        Some(MAPPINGS + (self.mapped - 1) * Self::ROOM)
    }

    fn unmap(&mut self, _start: Address, _length: u64) -> bool {
        true
    }

    fn remap(&mut self, start: Address, _length: u64) -> Option<Address> {
        Some(start)
    }
}

/// A kernel that answers as it was seen to answer, where the model asks for what was seen.
#[derive(Debug)]
pub struct Seen<'a> {
    events: &'a [System],
    next: usize,
}

/// What a mapping that was expected and never seen gets as its address, and all above it: nobody else uses them.
pub const UNSEEN: Address = 1 << 62;

impl<'a> Seen<'a> {
    /// Answers from `events`, in their order.
    pub fn new(events: &'a [System]) -> Self {
        Self { events, next: 0 }
    }

    /// The next event if it is of the kind that `wanted` recognises; it is used up then.
    fn take<T>(&mut self, wanted: impl Fn(&System) -> Option<T>) -> Option<T> {
        let found = self.events.get(self.next).and_then(wanted)?;
        self.next += 1;
        Some(found)
    }
}

impl Kernel for Seen<'_> {
    fn brk(&mut self, _now: Address, to: Address) -> Address {
        let seen = self.take(|event| match event {
            System::Brk { to, now } => Some((*to, *now)),
            _ => None,
        });
        match seen {
            // Asked for something else: granted or refused alike.
            Some((asked, now)) if asked != to && asked == now => to,
            Some((_, now)) => now,
            None => to,
        }
    }

    fn map(&mut self, _length: u64, _plain: bool) -> Option<Address> {
        let seen = self.take(|event| match event {
            System::Map { start, .. } => Some(*start),
            _ => None,
        });
        seen.unwrap_or(Some(UNSEEN))
    }

    fn unmap(&mut self, _start: Address, _length: u64) -> bool {
        let seen = self.take(|event| match event {
            System::Unmap { taken, .. } => Some(*taken),
            _ => None,
        });
        seen.unwrap_or(true)
    }

    fn remap(&mut self, start: Address, _length: u64) -> Option<Address> {
        let seen = self.take(|event| match event {
            System::Remap { to, .. } => Some(*to),
            _ => None,
        });
        seen.unwrap_or(Some(start))
    }
}
