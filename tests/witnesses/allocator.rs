//! The allocator over the simulated system equals the oracle, call by call: results, system calls, refusals.

use std::ptr;

use osmem::alloc::Allocator;
use osmem::check::check;
use osmem::sys::Sys;
use osmem::sys::sim::{Call as Asked, Sim};
use osmem_oracle::call::{Address, Granting, NULL, System};
use osmem_oracle::params::HEAP;
use osmem_oracle::program::{Done, Op, Pointer, Refused, STACK};
use osmem_oracle::random::{self, Plan};

/// Calls that are compared; more with `OSMEM_CALLS`.
const CALLS: usize = 2_000_000;
const SEED: u64 = 20;
/// Bytes that the heap may have.
const ARENA: usize = 24 << 20;

/// An allocator with what a program remembers of it.
struct Subject {
    allocator: Allocator<Sim>,
    /// Where its heap began.
    heap: usize,
    /// Where each mapping began, in order.
    mappings: Vec<usize>,
    slots: Vec<*mut u8>,
    /// The program's own moves of the break: from where to where.
    moves: Vec<(usize, usize)>,
    refused: Refused,
}

impl Subject {
    fn new() -> Self {
        let allocator = Allocator::new(Sim::with(4096, ARENA, 256 << 20));
        let heap = allocator.sys().current_break();
        Self { allocator, heap, mappings: Vec::new(), slots: Vec::new(), moves: Vec::new(), refused: Refused::Nothing }
    }

    fn pointer(&self, pointer: Pointer) -> *mut u8 {
        match pointer {
            Pointer::Null => ptr::null_mut(),
            Pointer::Stack => ptr::without_provenance_mut(usize::try_from(STACK).unwrap()),
            Pointer::Slot { slot, offset } => match self.slots.get(slot as usize) {
                Some(at) if !at.is_null() => at.wrapping_byte_offset(offset.try_into().unwrap()),
                _ => ptr::null_mut(),
            },
        }
    }

    /// In the oracle's addresses.
    fn address(&self, at: usize) -> Address {
        let below = self.mappings.iter().enumerate().filter(|(_, start)| **start <= at && at - **start < 1 << 19);
        let mapping = below.max_by_key(|(_, start)| **start);
        match mapping {
            _ if at == 0 => NULL,
            _ if (self.heap..=self.heap + ARENA).contains(&at) => HEAP + (at - self.heap) as u64,
            Some((number, start)) => Granting::start_of(u32::try_from(number).unwrap() + 1) + (at - start) as u64,
            None => panic!("{at:#x} is neither the heap's nor a mapping's"),
        }
    }

    /// Does one step; its result and its system calls.
    fn step(&mut self, op: Op) -> Option<(Address, Vec<System>)> {
        let bytes = |size: u64| usize::try_from(size).unwrap();
        self.refuse_next();
        let answer = match op {
            Op::Malloc { size, .. } => self.allocator.malloc(bytes(size)),
            Op::Calloc { nmemb, size, .. } => self.allocator.calloc(bytes(nmemb), bytes(size)),
            Op::Realloc { pointer, size, .. } => self.allocator.realloc(self.pointer(pointer), bytes(size)),
            Op::Free { pointer } => {
                self.allocator.free(self.pointer(pointer));
                Ok(ptr::null_mut())
            }
            Op::MoveBreak { by } => {
                self.move_break(by.try_into().unwrap());
                return None;
            }
            Op::Refuse(refused) => {
                self.refused = refused;
                return None;
            }
        };
        let result = answer.unwrap_or(ptr::null_mut());
        if let (Some(slot), false) = (op.slot(), result.is_null()) {
            let place = slot as usize;
            self.slots.resize(self.slots.len().max(place + 1), ptr::null_mut());
            self.slots[place] = result;
        }
        let asked = self.allocator.sys().take_calls().into_iter().map(|asked| self.asked(asked)).collect();
        Some((self.address(result.addr()), asked))
    }

    /// The simulated system is told before each step what it refuses.
    fn refuse_next(&self) {
        self.allocator.sys().refuse_kind(self.refused == Refused::Break, self.refused == Refused::Mappings);
    }

    fn move_break(&mut self, by: isize) {
        let sys = self.allocator.sys();
        let now = sys.current_break();
        if by > 0 && self.refused != Refused::Break {
            assert!(sys.move_break_as_foreigner(by));
            self.moves.push((now, sys.current_break()));
        } else if by < 0
            && let Some((from, to)) = self.moves.pop()
            && to == now
        {
            // Only while the break stands where the last move left it.
            assert!(sys.move_break_as_foreigner(from.cast_signed() - to.cast_signed()));
        }
    }

    fn asked(&mut self, asked: Asked) -> System {
        match asked {
            Asked::LowerBreak { .. } | Asked::Discard { .. } | Asked::Remap { .. } => {
                unreachable!("never by the contract: {asked:?}")
            }
            Asked::MoveBreak { by, from: Some(from) } => {
                let to = self.address(from + by);
                System::Brk { to, now: to }
            }
            Asked::MoveBreak { by, from: None } => {
                let now = self.address(self.allocator.sys().current_break());
                System::Brk { to: now + by as u64, now }
            }
            Asked::Map { length, start } => {
                self.mappings.extend(start);
                let start = start.map(|start| self.address(start));
                System::Map { length: length as u64, plain: true, start }
            }
            Asked::Unmap { start, length, taken } => {
                let at = self.address(start);
                if let Some(mapping) = self.mappings.iter_mut().find(|mapping| **mapping == start) {
                    // Its address may come again, as another mapping's.
                    *mapping = usize::MAX;
                }
                System::Unmap { start: at, length: length as u64, taken }
            }
        }
    }
}

#[test]
fn the_allocator_equals_the_oracle_call_by_call() {
    let calls: usize = std::env::var("OSMEM_CALLS").map_or(CALLS, |calls| calls.parse().unwrap());
    let plan = Plan::everything(250);
    let (mut compared, mut number) = (0, 0);
    while compared < calls {
        let program = random::program(SEED, number, &plan);
        let mut subject = Subject::new();
        for (step, (op, done)) in program.ops.iter().zip(&program.done).enumerate() {
            let seen = subject.step(*op);
            if let (Some((result, asked)), Done::Call(call)) = (seen, done) {
                assert_eq!(
                    (Some(result), &asked),
                    (call.result, &call.asked),
                    "program {number}, step {step}: {op:?} ({:?})\n{:?}",
                    call.request,
                    &program.ops[..=step]
                );
                compared += 1;
            }
        }
        assert_eq!(check(&subject.allocator), Ok(()), "program {number}");
        number += 1;
    }
    println!("{compared} calls of {number} programs");
}
