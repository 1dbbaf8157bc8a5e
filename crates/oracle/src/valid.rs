//! Which programs pass only valid pointers: a live block, NULL, and to `os_realloc` also a heap block that the call just before has freed.
//!
//! Core consists of such programs. They are told without running them: whatever a right allocator does, they are valid.

use std::collections::HashMap;

use crate::params::{LARGEST, Params};
use crate::program::{Op, Pointer, Slot};

/// No header is longer, rounding included: what lies so far below a threshold is never mapped.
const MARGIN: u64 = 264;
/// No system grants so much.
const BEYOND_ANY_SYSTEM: u64 = 1 << 40;

/// What a slot remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// A block in use; whether it is the heap's in every reading of the contract.
    Live { heap: bool },
    /// What was a block once.
    Stale,
}

/// Follows a program and says which of its steps are valid.
#[derive(Clone, Debug)]
pub struct Validity {
    params: Params,
    slots: HashMap<Slot, Held>,
    /// The slot whose heap block the call just before has freed.
    freed: Option<Slot>,
}

impl Validity {
    /// Before the first step, for an allocator that counts with `params`.
    pub fn new(params: Params) -> Self {
        Self { params, slots: HashMap::new(), freed: None }
    }

    /// Whether this may be the next step.
    pub fn allows(&self, op: &Op) -> bool {
        let passed = op.pointer().map_or(Passed::Null, |pointer| self.passed(pointer));
        match (op, passed) {
            (Op::Realloc { size: 1.., .. }, Passed::Dead(from)) => from.is_some() && from == self.freed,
            (_, Passed::Dead(_)) => false,
            _ => true,
        }
    }

    /// Takes the next step; one that is not allowed changes nothing.
    pub fn take(&mut self, op: &Op) {
        if op.is_call() {
            self.freed = None;
        }
        let threshold = self.params.mmap_threshold;
        match *op {
            Op::Malloc { slot, size } => self.give(slot, Some(size), threshold),
            Op::Calloc { slot, nmemb, size } => {
                self.give(slot, nmemb.checked_mul(size), self.params.calloc_threshold);
            }
            Op::Realloc { slot, pointer, size } => match self.passed(pointer) {
                Passed::Null => self.give(slot, Some(size), threshold),
                Passed::Live(from, heap) if size == 0 => self.free(from, heap),
                Passed::Live(from, heap) if size < BEYOND_ANY_SYSTEM => {
                    self.slots.insert(from, Held::Stale);
                    let heap = heap && size + MARGIN < threshold;
                    self.slots.insert(slot, Held::Live { heap });
                }
                Passed::Live(..) | Passed::Dead(_) => {}
            },
            Op::Free { pointer } => match self.passed(pointer) {
                Passed::Live(from, heap) => self.free(from, heap),
                Passed::Null | Passed::Dead(_) => {}
            },
            Op::MoveBreak { .. } | Op::Refuse(_) => {}
        }
    }

    fn passed(&self, pointer: Pointer) -> Passed {
        let Pointer::Slot { slot, offset } = pointer else {
            return if pointer == Pointer::Null { Passed::Null } else { Passed::Dead(None) };
        };
        match self.slots.get(&slot) {
            None => Passed::Null,
            Some(Held::Live { heap }) if offset == 0 => Passed::Live(slot, *heap),
            Some(Held::Stale) if offset == 0 => Passed::Dead(Some(slot)),
            Some(_) => Passed::Dead(None),
        }
    }

    /// A new block of so many bytes, unless that gives NULL; `None`: more than there are.
    fn give(&mut self, slot: Slot, size: Option<u64>, threshold: u64) {
        if let Some(size) = size.filter(|size| (1..BEYOND_ANY_SYSTEM.min(LARGEST)).contains(size)) {
            self.slots.insert(slot, Held::Live { heap: size + MARGIN < threshold });
        }
    }

    fn free(&mut self, slot: Slot, heap: bool) {
        self.slots.insert(slot, Held::Stale);
        self.freed = heap.then_some(slot);
    }
}

/// What a pointer is when it is passed.
enum Passed {
    Null,
    Live(Slot, bool),
    /// No block in use; the slot, if it was one.
    Dead(Option<Slot>),
}

/// How many steps of a program are not valid.
pub fn misuses(ops: &[Op], params: Params) -> usize {
    let mut validity = Validity::new(params);
    let misuse = |op: &&Op| {
        let misuse = !validity.allows(op);
        validity.take(op);
        misuse
    };
    ops.iter().filter(misuse).count()
}

/// A program without its steps that are not valid.
pub fn valid_part(ops: &[Op], params: Params) -> Vec<Op> {
    let mut validity = Validity::new(params);
    let mut part = ops.to_vec();
    part.retain(|op| {
        let valid = validity.allows(op);
        if valid {
            validity.take(op);
        }
        valid
    });
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    const B1: Pointer = Pointer::block(1);

    fn malloc(slot: Slot, size: u64) -> Op {
        Op::Malloc { slot, size }
    }

    fn free(slot: Slot) -> Op {
        Op::Free { pointer: Pointer::block(slot) }
    }

    fn realloc(slot: Slot, pointer: Pointer, size: u64) -> Op {
        Op::Realloc { slot, pointer, size }
    }

    #[test]
    fn what_may_be_passed_is_a_live_block_null_and_what_was_freed_just_before() {
        let inside = Pointer::Slot { slot: 1, offset: 8 };
        let calloc = |size| Op::Calloc { slot: 1, nmemb: 1, size };
        for (expected, ops) in [
            (0, vec![malloc(1, 8), free(1)]),
            (1, vec![malloc(1, 8), free(1), free(1)]),
            (0, vec![malloc(1, 8), free(1), malloc(1, 8), free(1)]),
            // A request for nothing gives nothing: the slot remembers what was freed.
            (1, vec![malloc(1, 8), free(1), malloc(1, 0), free(1)]),
            (0, vec![free(1), realloc(2, B1, 8), Op::Free { pointer: Pointer::Null }]),
            (0, vec![malloc(1, 8), free(1), realloc(2, B1, 8)]),
            (0, vec![malloc(1, 8), realloc(1, B1, 0), realloc(2, B1, 8)]),
            (1, vec![malloc(1, 8), free(1), realloc(2, B1, 0)]),
            (1, vec![malloc(1, 8), free(1), malloc(2, 8), realloc(3, B1, 8)]),
            (1, vec![malloc(1, 8), free(1), realloc(2, B1, 8), realloc(3, B1, 8)]),
            // Its header is gone with the mapping.
            (1, vec![malloc(1, 200_000), free(1), realloc(2, B1, 8)]),
            (1, vec![calloc(5000), free(1), realloc(2, B1, 8)]),
            (1, vec![calloc(5000), realloc(1, B1, 8), free(1), realloc(2, B1, 8)]),
            // It may have moved.
            (1, vec![malloc(1, 8), realloc(2, B1, 800), free(1)]),
            (0, vec![malloc(1, 8), realloc(2, B1, 800), free(2)]),
            (1, vec![malloc(1, 8), Op::Free { pointer: inside }]),
            (2, vec![malloc(1, 8), Op::Free { pointer: Pointer::Stack }, realloc(2, Pointer::Stack, 8)]),
            (0, vec![malloc(1, 8), realloc(1, B1, u64::MAX), free(1)]),
        ] {
            assert_eq!(misuses(&ops, Params::CONTRACT), expected, "{ops:?}");
            let part = valid_part(&ops, Params::CONTRACT);
            assert_eq!((part.len(), misuses(&part, Params::CONTRACT)), (ops.len() - expected, 0), "{ops:?}");
        }
    }
}
