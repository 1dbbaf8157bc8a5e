//! What the steps of a script do to blocks, by address as the library sees it: a slot remembers the last pointer that was not
//! NULL, and the same address may have become another block since.
//!
//! Everything that a program cannot be sure of on a real machine is found here.

use std::collections::HashMap;

use osmem_oracle::call::{Address, Granting, NULL, Request, System};
use osmem_oracle::program::{Done, Op, Pointer, Refused, Slot};

use super::RustError;

/// The test programs write every byte of a block.
pub const LARGEST: u64 = 1 << 30;

/// The test programs keep a copy of a block that they resize.
pub const LARGEST_RESIZED: u64 = 1 << 19;

/// No system has so much address space.
const IMPOSSIBLE: u64 = 1 << 47;

/// A step, with live blocks by their addresses. `slot` names the block that it gives, at `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Malloc {
        size: u64,
        slot: Slot,
        to: Address,
    },
    Calloc {
        nmemb: u64,
        size: u64,
        slot: Slot,
        to: Address,
    },
    ReallocNull {
        size: u64,
        slot: Slot,
        to: Address,
    },
    Realloc {
        block: Address,
        size: u64,
        slot: Slot,
        to: Address,
    },
    ReallocZero {
        block: Address,
    },
    ReallocFails {
        block: Address,
        size: u64,
    },
    Free {
        block: Address,
    },
    MallocNull {
        size: u64,
    },
    CallocNull {
        nmemb: u64,
        size: u64,
    },
    ReallocMisuse {
        spot: Spot,
        size: u64,
    },
    FreeMisuse {
        spot: Spot,
    },
    MoveBreak {
        bytes: i64,
    },
    /// Of the last move that was not undone or forgotten.
    Undo,
    /// The last move can no longer be undone.
    Forget,
    Refuse(Refused),
    Nothing,
}

impl Deed {
    /// The block that is none any more after it, or lies elsewhere.
    pub fn ends(&self) -> Option<Address> {
        match *self {
            Self::Realloc { block, .. } | Self::ReallocZero { block } | Self::Free { block } => Some(block),
            _ => None,
        }
    }
}

/// A pointer that is no live block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    Null,
    Stack,
    /// So many bytes above an address at which a block began, whether it still lives or not.
    Block {
        base: Address,
        above: u64,
    },
}

/// All deeds, and which places have to be remembered when their blocks end.
#[derive(Debug, Default)]
pub struct Followed {
    pub deeds: Vec<Deed>,
    /// By the deed that ends the block there: its address, and the last deed that needs it.
    pub kept: HashMap<usize, (Address, usize)>,
}

struct Life {
    size: u64,
    born: usize,
}

struct Death {
    size: u64,
    born: usize,
    step: usize,
}

#[derive(Default)]
struct Follower {
    live: HashMap<Address, Life>,
    dead: HashMap<Address, Death>,
    slots: HashMap<Slot, Address>,
    /// Where in `kept` the place of an address is.
    places: HashMap<Address, usize>,
    kept: HashMap<usize, (Address, usize)>,
    refused: Refused,
}

/// Follows `ops` through what each of them does.
pub fn follow(ops: &[Op], expected: &[Done]) -> Result<Followed, RustError> {
    if ops.len() != expected.len() {
        return Err(RustError::Lengths { ops: ops.len(), expected: expected.len() });
    }
    let mut follower = Follower::default();
    let steps = ops.iter().zip(expected).enumerate();
    let deeds = steps.map(|(step, (op, done))| follower.step(step, *op, done)).collect::<Result<_, _>>()?;
    Ok(Followed { deeds, kept: follower.kept })
}

impl Follower {
    fn step(&mut self, step: usize, op: Op, done: &Done) -> Result<Deed, RustError> {
        let unexpected = RustError::Unexpected { step: step + 1 };
        let deed = match (op, done) {
            (Op::Refuse(refused), Done::Nothing) => {
                self.refused = refused;
                Deed::Refuse(refused)
            }
            (Op::MoveBreak { by }, Done::Break(_)) if by < 0 && self.refused == Refused::Break => {
                return Err(RustError::BreakStays { step: step + 1 });
            }
            (Op::MoveBreak { by }, Done::Break(_)) if by < 0 => Deed::Undo,
            (Op::MoveBreak { by }, Done::Nothing) if by < 0 => Deed::Forget,
            (Op::MoveBreak { .. }, Done::Nothing) => Deed::Nothing,
            (Op::MoveBreak { .. }, Done::Break(_)) if self.refused == Refused::Mappings => {
                return Err(RustError::BreakRefusedToo { step: step + 1 });
            }
            (Op::MoveBreak { by }, Done::Break(_)) => Deed::MoveBreak { bytes: by },
            (_, Done::Call(call)) => {
                let to = call.result.ok_or(unexpected)?;
                let grows = |asked: &System| matches!(asked, System::Brk { to, now } if to == now);
                if self.refused == Refused::Mappings && call.asked.iter().any(grows) {
                    return Err(RustError::BreakRefusedToo { step: step + 1 });
                }
                if self.refused != Refused::Mappings
                    && let Some(size) = call.asked.iter().find_map(refused_size).filter(|size| *size < IMPOSSIBLE)
                {
                    return Err(RustError::Unsure { step: step + 1, size });
                }
                self.call(step, op, call.request, to)?
            }
            _ => return Err(unexpected),
        };
        self.apply(step, &deed)?;
        Ok(deed)
    }

    fn call(&mut self, step: usize, op: Op, request: Request, to: Address) -> Result<Deed, RustError> {
        Ok(match (op, request) {
            (Op::Malloc { size, .. }, Request::Malloc { .. }) if to == NULL => Deed::MallocNull { size },
            (Op::Malloc { size, slot }, Request::Malloc { .. }) => Deed::Malloc { size, slot, to },
            (Op::Calloc { nmemb, size, .. }, Request::Calloc { .. }) if to == NULL => Deed::CallocNull { nmemb, size },
            (Op::Calloc { nmemb, size, slot }, Request::Calloc { .. }) => Deed::Calloc { nmemb, size, slot, to },
            (Op::Free { pointer }, Request::Free { pointer: address }) => match self.live.contains_key(&address) {
                true => Deed::Free { block: address },
                false => Deed::FreeMisuse { spot: self.spot(step, pointer, address)? },
            },
            (Op::Realloc { pointer, size, slot }, Request::Realloc { pointer: address, .. }) => {
                match (self.live.contains_key(&address), size, to) {
                    (true, 0, NULL) => Deed::ReallocZero { block: address },
                    (true, _, NULL) => Deed::ReallocFails { block: address, size },
                    (true, 1.., _) => Deed::Realloc { block: address, size, slot, to },
                    (false, _, NULL) => Deed::ReallocMisuse { spot: self.spot(step, pointer, address)?, size },
                    (false, 1.., _) if address == NULL => Deed::ReallocNull { size, slot, to },
                    _ => return Err(RustError::Unexpected { step: step + 1 }),
                }
            }
            _ => return Err(RustError::Unexpected { step: step + 1 }),
        })
    }

    /// What the program writes for a pointer that is no live block.
    fn spot(&mut self, step: usize, pointer: Pointer, address: Address) -> Result<Spot, RustError> {
        let (slot, offset) = match pointer {
            _ if address == NULL => return Ok(Spot::Null),
            Pointer::Null => return Err(RustError::Unexpected { step: step + 1 }),
            Pointer::Stack => return Ok(Spot::Stack),
            Pointer::Slot { slot, offset } => (slot, offset),
        };
        let base = self.slots.get(&slot).copied().unwrap_or(NULL);
        if base.wrapping_add_signed(offset) != address {
            return Err(RustError::Unexpected { step: step + 1 });
        }
        let above = u64::try_from(offset).map_err(|_| RustError::Below { step: step + 1 })?;
        if Granting::mapping_of(base).is_some() && !self.knows_mapping(base, above) {
            return Err(RustError::Mapping { step: step + 1 });
        }
        if !self.live.contains_key(&base) {
            let Some(death) = self.dead.get(&base) else { return Err(RustError::Unexpected { step: step + 1 }) };
            let kept_at = *self.places.entry(base).or_insert(death.step);
            self.kept.insert(kept_at, (base, step));
        }
        Ok(Spot::Block { base, above })
    }

    /// Whether a real system too has no other block there: a mapping lies where the kernel wants, and what is unmapped is soon used
    /// again.
    fn knows_mapping(&self, base: Address, above: u64) -> bool {
        if let Some(life) = self.live.get(&base) {
            return above < life.size;
        }
        let is_mapped_since = |death: &Death| {
            let is_younger = |at: &Address, born: usize| Granting::mapping_of(*at).is_some() && born > death.step;
            self.live.iter().any(|(at, life)| is_younger(at, life.born))
                || self.dead.iter().any(|(at, other)| is_younger(at, other.born))
        };
        self.dead.get(&base).is_some_and(|death| above < death.size && !is_mapped_since(death))
    }

    /// Updates the blocks and the slots.
    fn apply(&mut self, step: usize, deed: &Deed) -> Result<(), RustError> {
        let mut resized = 0;
        if let Some(block) = deed.ends()
            && let Some(life) = self.live.remove(&block)
        {
            resized = life.size;
            self.dead.insert(block, Death { size: life.size, born: life.born, step });
        }
        let (size, slot, to) = match *deed {
            Deed::Malloc { size, slot, to } | Deed::ReallocNull { size, slot, to } => (size, slot, to),
            Deed::Calloc { nmemb, size, slot, to } => (nmemb.saturating_mul(size), slot, to),
            Deed::Realloc { size, slot, to, .. } if resized <= LARGEST_RESIZED => (size, slot, to),
            Deed::Realloc { .. } => return Err(RustError::Resized { step: step + 1, size: resized }),
            _ => return Ok(()),
        };
        if size > LARGEST {
            return Err(RustError::Size { step: step + 1, size });
        }
        if self.live.insert(to, Life { size, born: step }).is_some() {
            return Err(RustError::Unexpected { step: step + 1 });
        }
        self.slots.insert(slot, to);
        Ok(())
    }
}

/// The size of a mapping that was refused, header and all.
fn refused_size(asked: &System) -> Option<u64> {
    match asked {
        System::Map { length, start: None, .. } => Some(*length),
        _ => None,
    }
}
