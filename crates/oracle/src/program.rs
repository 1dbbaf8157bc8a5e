//! A program as a sequence of calls over numbered slots, and what the contract demands of each of them.

use crate::call::{Address, Granting, Kernel, NULL, Request, System};
use crate::model::Model;
use crate::run::Call;

/// Where a program keeps a pointer. It remembers the last one that was not NULL, also after that block was freed.
pub type Slot = u32;

/// One step of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are the C parameters of the same names; `slot` takes the result")]
pub enum Op {
    /// `slot = os_malloc(size)`
    Malloc { slot: Slot, size: u64 },
    /// `slot = os_calloc(nmemb, size)`
    Calloc { slot: Slot, nmemb: u64, size: u64 },
    /// `slot = os_realloc(pointer, size)`
    Realloc { slot: Slot, pointer: Pointer, size: u64 },
    /// `os_free(pointer)`
    Free { pointer: Pointer },
    /// The program itself moves the break up by so many bytes; a negative number undoes its last move, if the break still
    /// stands where that left it.
    MoveBreak { by: i64 },
    /// From here on the system refuses this.
    Refuse(Refused),
}

/// What the system refuses, and by which limit. Whether a limit also keeps it from the other kind of memory differs between kernels:
/// programs had better not ask for that meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Refused {
    /// Nothing that it need not.
    #[default]
    Nothing,
    /// To move the break up: by the limit on data.
    Break,
    /// New mappings: by the limit on the address space.
    Mappings,
}

/// A pointer that is passed to a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pointer {
    /// The null pointer.
    Null,
    /// What a slot remembers, so many bytes further on: a block at 0, its inside above.
    Slot {
        /// The slot.
        slot: Slot,
        /// Bytes added.
        offset: i64,
    },
    /// An address on the program's stack, which is no block.
    Stack,
}

/// What [`Pointer::Stack`] is to a model: an address that no allocator gives.
pub const STACK: Address = 8;

impl Pointer {
    /// The block in a slot.
    pub const fn block(slot: Slot) -> Self {
        Self::Slot { slot, offset: 0 }
    }
}

impl Op {
    /// Whether it calls a function.
    pub const fn is_call(&self) -> bool {
        !matches!(self, Self::MoveBreak { .. } | Self::Refuse(_))
    }

    /// The slot that takes its result.
    pub const fn slot(&self) -> Option<Slot> {
        match self {
            Self::Malloc { slot, .. } | Self::Calloc { slot, .. } | Self::Realloc { slot, .. } => Some(*slot),
            _ => None,
        }
    }

    /// The pointer that it passes.
    pub const fn pointer(&self) -> Option<Pointer> {
        match self {
            Self::Realloc { pointer, .. } | Self::Free { pointer } => Some(*pointer),
            _ => None,
        }
    }
}

/// Runs a program against a model: what each step must do.
#[derive(Clone)]
pub struct Machine<'r> {
    /// The allocator.
    pub model: Model<'r>,
    kernel: Granting,
    slots: Vec<Address>,
    moves: Vec<(Address, Address)>,
}

/// What a step must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It calls a function.
    Call(Call),
    /// The program moves the break to here.
    Break(Address),
    /// Nothing that shows.
    Nothing,
}

impl<'r> Machine<'r> {
    /// Before the first step.
    pub fn new(model: Model<'r>) -> Self {
        Self { model, kernel: Granting::new(), slots: Vec::new(), moves: Vec::new() }
    }

    /// What a slot remembers.
    pub fn slot(&self, slot: Slot) -> Address {
        self.slots.get(slot as usize).copied().unwrap_or(NULL)
    }

    /// The address that a pointer stands for at the moment.
    pub fn address(&self, pointer: Pointer) -> Address {
        match pointer {
            Pointer::Null => NULL,
            Pointer::Stack => STACK,
            Pointer::Slot { slot, offset } => match self.slot(slot) {
                NULL => NULL,
                address => address.wrapping_add_signed(offset),
            },
        }
    }

    /// The next step.
    pub fn step(&mut self, op: Op) -> Done {
        let request = match op {
            Op::Malloc { size, .. } => Request::Malloc { size },
            Op::Calloc { nmemb, size, .. } => Request::Calloc { nmemb, size },
            Op::Realloc { pointer, size, .. } => Request::Realloc { pointer: self.address(pointer), size },
            Op::Free { pointer } => Request::Free { pointer: self.address(pointer) },
            Op::MoveBreak { by } => return self.move_break(by),
            Op::Refuse(refused) => {
                self.kernel.refuse_break = refused == Refused::Break;
                self.kernel.refuse_map = refused == Refused::Mappings;
                return Done::Nothing;
            }
        };
        let mut asked: Vec<System> = Vec::new();
        let result = self.model.call(request, &mut self.kernel, &mut asked);
        if let (Some(slot), true) = (op.slot(), result != NULL) {
            let place = slot as usize;
            if self.slots.len() <= place {
                self.slots.resize(place + 1, NULL);
            }
            self.slots[place] = result;
        }
        Done::Call(Call { request, asked, result: Some(result) })
    }

    fn move_break(&mut self, by: i64) -> Done {
        let now = self.model.heap.brk;
        let to = if by < 0 {
            let Some((from, to)) = self.moves.pop().filter(|(_, to)| *to == now) else { return Done::Nothing };
            debug_assert!(from <= to);
            from
        } else {
            let to = self.kernel.brk(now, now.wrapping_add_signed(by));
            if to == now {
                return Done::Nothing;
            }
            self.moves.push((now, to));
            to
        };
        self.model.break_moved(to);
        Done::Break(to)
    }
}
