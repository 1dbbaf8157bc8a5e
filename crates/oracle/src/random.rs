//! Random programs with a liking for edges: sizes at the thresholds, remainders around the smallest block, blocks of equal size, chains
//! of free neighbours, blocks that shrink and grow again.
//!
//! A program is a function of its seed, its number and the [`Plan`]; what the contract demands of it comes along.

mod sizes;

use rand::RngExt;
use rand_pcg::Pcg64;

use crate::call::{Address, Granting, NULL, System};
use crate::heap::Found;
use crate::model::Model;
use crate::params::{HEAP, LARGEST, Params};
use crate::program::{Done, Machine, Op, Pointer, Refused, Slot};
use crate::readings::Readings;
use crate::valid::Validity;

/// What programs are to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Steps of a program.
    pub ops: usize,
    /// Pointers that are not valid are passed; without it every program is valid (see [`crate::valid`]).
    pub misuse: bool,
    /// Sizes that overflow; with refusals also such that no address space holds.
    pub huge: bool,
    /// The program itself moves the break.
    pub foreign: bool,
    /// The system refuses.
    pub refusals: bool,
    /// What the allocator counts with.
    pub params: Params,
    /// How it reads the open points.
    pub readings: Readings,
}

impl Plan {
    /// Programs of every kind, for the contract's allocator.
    pub const fn everything(ops: usize) -> Self {
        let (params, readings) = (Params::CONTRACT, Readings::CONTRACT);
        Self { ops, misuse: true, huge: true, foreign: true, refusals: true, params, readings }
    }
}

/// A program and what each step must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// The steps.
    pub ops: Vec<Op>,
    /// What the contract demands, one for each step.
    pub done: Vec<Done>,
}

/// No program keeps more blocks than this at a time.
const MOST_LIVE: u32 = 200;

/// The largest mapping that is asked for with success.
const LARGEST_MAPPING: u64 = 400_000;

/// The program of this number.
pub fn program(seed: u64, number: u64, plan: &Plan) -> Generated {
    let mut writer = Writer::new(Pcg64::new(u128::from(seed), u128::from(number)), plan);
    while writer.generated.ops.len() < plan.ops {
        writer.write();
    }
    writer.generated.ops.truncate(plan.ops);
    writer.generated.done.truncate(plan.ops);
    writer.generated
}

/// What a program likes to do: shares of a hundred.
struct Mood {
    /// So many of the small requests come from a few sizes.
    same_sizes: u32,
    /// So many requests are fitted to a block that is there.
    fitted: u32,
    /// So many requests are mapped ones, in a thousand.
    mapped: u32,
    /// So many calls are reallocs.
    realloc: u32,
    /// So many blocks are kept at the most.
    live: u32,
    /// Small sizes lie below this.
    small: u64,
}

struct Writer<'a> {
    random: Pcg64,
    plan: &'a Plan,
    machine: Machine<'static>,
    mood: Mood,
    sizes: [u64; 4],
    /// The slots in use, each with the address of a live block.
    live: Vec<(Slot, Address)>,
    /// Slots whose heap blocks were freed.
    dead: Vec<Slot>,
    /// Slots whose mappings were freed: their addresses may come again at any time, so nobody passes them.
    spare: Vec<Slot>,
    slots: Slot,
    validity: Validity,
    refused: Refused,
    generated: Generated,
}

impl<'a> Writer<'a> {
    fn new(mut random: Pcg64, plan: &'a Plan) -> Self {
        let mood = Mood {
            same_sizes: [0, 30, 80][random.random_range(0..3)],
            fitted: [10, 40, 60][random.random_range(0..3)],
            mapped: [5, 15, 100][random.random_range(0..3)],
            realloc: [10, 30, 60][random.random_range(0..3)],
            live: [4, 12, 40, MOST_LIVE][random.random_range(0..4)],
            small: [64, 600, 5000][random.random_range(0..3)],
        };
        let sizes = [(); 4].map(|()| random.random_range(1..=mood.small));
        let mut model = Model::contract(plan.params, HEAP);
        model.read(plan.readings);
        Self {
            random,
            plan,
            machine: Machine::new(model),
            mood,
            sizes,
            live: Vec::new(),
            dead: Vec::new(),
            spare: Vec::new(),
            slots: 0,
            validity: Validity::new(plan.params),
            refused: Refused::Nothing,
            generated: Generated { ops: Vec::new(), done: Vec::new() },
        }
    }

    fn chance(&mut self, of_hundred: u32) -> bool {
        self.random.random_range(0..100) < of_hundred
    }

    fn rare(&mut self, of_thousand: u32) -> bool {
        self.random.random_range(0..1000) < of_thousand
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.random.random_range(0..from.len())])
    }

    /// One step, or a few that belong together.
    fn write(&mut self) {
        if self.refused != Refused::Nothing && self.chance(30) {
            return self.refuse(Refused::Nothing);
        }
        if self.plan.refusals && self.refused == Refused::Nothing && self.rare(40) {
            let refused = if self.chance(60) { Refused::Break } else { Refused::Mappings };
            return self.refuse(refused);
        }
        if self.plan.foreign && self.rare(15) {
            return self.move_break();
        }
        if self.rare(25) {
            return self.misuse();
        }
        if self.rare(20) {
            return self.nothing();
        }
        if self.rare(60) {
            return self.free_neighbours();
        }
        if self.rare(40) {
            return self.shrink_and_grow();
        }
        let full = self.live.len() >= self.mood.live as usize;
        let share = self.random.random_range(0..100);
        match share {
            _ if self.live.is_empty() => self.allocate(),
            _ if share < self.mood.realloc => self.reallocate(),
            _ if full || share % 2 == 0 => self.free(),
            _ => self.allocate(),
        }
    }

    fn push(&mut self, op: Op) {
        if !self.plan.misuse && !self.validity.allows(&op) {
            return;
        }
        let before = (self.refused != Refused::Nothing).then(|| self.machine.clone());
        let done = self.machine.step(op);
        if let Some(before) = before.filter(|_| self.is_doubtful(op, &done)) {
            self.machine = before;
            return;
        }
        self.validity.take(&op);
        if let Done::Call(call) = &done {
            let (result, passed) = (call.result.unwrap_or(NULL), op.pointer().map(|_| pointer_of(call)));
            // Whose block it was goes by its address: a pointer that was freed may mean another block by now.
            let released = match op {
                Op::Free { .. } | Op::Realloc { size: 0, .. } => true,
                Op::Realloc { .. } => result != NULL,
                _ => false,
            };
            if let (true, Some(place)) = (released, self.live.iter().position(|(_, at)| Some(*at) == passed)) {
                let (slot, _) = self.live.swap_remove(place);
                if Some(slot) != op.slot() {
                    let was_mapped = passed.is_some_and(|at| Granting::mapping_of(at).is_some());
                    if was_mapped { self.spare.push(slot) } else { self.dead.push(slot) }
                }
            }
            if let (Some(slot), true) = (op.slot(), result != NULL) {
                self.dead.retain(|dead| *dead != slot);
                self.spare.retain(|spare| *spare != slot);
                self.live.push((slot, result));
            }
        }
        self.generated.ops.push(op);
        self.generated.done.push(done);
    }

    /// Whether a step asks for the kind of memory that may be refused, too, or not.
    fn is_doubtful(&self, op: Op, done: &Done) -> bool {
        let asks = |wanted: fn(&System) -> bool| matches!(done, Done::Call(call) if call.asked.iter().any(wanted));
        match self.refused {
            Refused::Nothing => false,
            Refused::Break => asks(|asked| matches!(asked, System::Map { .. })),
            Refused::Mappings => {
                matches!(op, Op::MoveBreak { .. }) || asks(|asked| matches!(asked, System::Brk { .. }))
            }
        }
    }

    /// A slot for a new block: mostly a new one, so that dead ones stay to be misused.
    fn slot(&mut self) -> Slot {
        if let Some(slot) = self.spare.pop() {
            return slot;
        }
        if self.dead.len() > 8 {
            let place = self.random.random_range(0..self.dead.len());
            return self.dead.swap_remove(place);
        }
        self.slots += 1;
        self.slots
    }

    fn allocate(&mut self) {
        let slot = self.slot();
        let op = match self.random.random_range(0..10) {
            0..6 => Op::Malloc { slot, size: self.size(false) },
            6..9 => self.calloc(slot),
            _ => Op::Realloc { slot, pointer: Pointer::Null, size: self.size(false) },
        };
        self.push(op);
    }

    fn reallocate(&mut self) {
        let live = self.live.clone();
        let Some((slot, _)) = self.pick(&live) else { return };
        let size = self.size(false);
        self.push(Op::Realloc { slot, pointer: Pointer::block(slot), size });
    }

    fn free(&mut self) {
        let live = self.live.clone();
        let Some((slot, _)) = self.pick(&live) else { return };
        let pointer = Pointer::block(slot);
        let op = if self.rare(60) { Op::Realloc { slot, pointer, size: 0 } } else { Op::Free { pointer } };
        self.push(op);
        if self.plan.misuse && self.rare(30) {
            // At once, while no other block can have its address.
            self.push(Op::Free { pointer });
        } else if !self.plan.misuse && self.rare(60) {
            let size = self.size(false);
            self.push(Op::Realloc { slot, pointer, size });
        }
    }

    /// A request for nothing, or for what nobody has.
    fn nothing(&mut self) {
        let slot = self.slot();
        // The last two are no overflow: the system is asked, and refuses.
        let huge = [LARGEST + 1, u64::MAX, u64::MAX - 31, u64::MAX - 4095, LARGEST, 1 << 62];
        let overflowing = if self.plan.refusals { huge.len() } else { 4 };
        let op = match self.random.random_range(0..8) {
            0 => Op::Malloc { slot, size: 0 },
            1 => Op::Calloc { slot, nmemb: 0, size: self.size(true) },
            2 => Op::Calloc { slot, nmemb: self.size(true), size: 0 },
            3 => Op::Realloc { slot, pointer: Pointer::Null, size: 0 },
            _ if !self.plan.huge => Op::Malloc { slot, size: 0 },
            4 => Op::Malloc { slot, size: huge[self.random.random_range(0..overflowing)] },
            5 => Op::Calloc { slot, nmemb: 1 << 33, size: (1 << 31) + self.random.random_range(0..100) },
            6 => Op::Calloc { slot, nmemb: u64::MAX / 8 + 2, size: 8 },
            _ => {
                let live = self.live.clone();
                let pointer = self.pick(&live).map_or(Pointer::Null, |(slot, _)| Pointer::block(slot));
                Op::Realloc { slot, pointer, size: huge[self.random.random_range(0..4)] }
            }
        };
        self.push(op);
    }

    /// A pointer that is no live block; NULL if the plan has no misuse.
    fn misuse(&mut self) {
        if !self.plan.misuse {
            return self.push(Op::Free { pointer: Pointer::Null });
        }
        let (live, dead) = (self.live.clone(), self.dead.clone());
        let pointer = match self.random.random_range(0..6) {
            0..3 => self.pick(&dead).map(Pointer::block),
            3 => self
                .pick(&live)
                .map(|(slot, _)| Pointer::Slot { slot, offset: [8, 16, 32, 40][self.random.random_range(0..4)] }),
            4 => Some(Pointer::Stack),
            _ => Some(Pointer::Null),
        };
        let Some(pointer) = pointer.filter(|pointer| self.is_harmless(*pointer)) else { return };
        if pointer == Pointer::Null || self.chance(60) {
            self.push(Op::Free { pointer });
        } else {
            let slot = self.slot();
            let size = if self.chance(20) { 0 } else { self.size(false) };
            self.push(Op::Realloc { slot, pointer, size });
        }
    }

    /// Whether a pointer means no live block at the moment; one past the end of a block may be the next one's.
    fn is_harmless(&self, pointer: Pointer) -> bool {
        let address = self.machine.address(pointer);
        self.live.iter().all(|(_, at)| *at != address)
    }

    fn move_break(&mut self) {
        let by = self.random.random_range(1..5000);
        self.push(Op::MoveBreak { by });
        if self.chance(30) {
            self.push(Op::MoveBreak { by: -by });
        }
    }

    fn refuse(&mut self, refused: Refused) {
        self.refused = refused;
        self.push(Op::Refuse(refused));
    }

    /// Frees some blocks that lie side by side, in any order, and asks for something of their kind.
    fn free_neighbours(&mut self) {
        let heap = &self.machine.model.heap;
        let count = self.random.random_range(2..=4);
        if heap.blocks.len() < count + 2 {
            return;
        }
        let first = self.random.random_range(0..heap.blocks.len() - count);
        let payloads: Vec<Address> = (first..=first + count).map(|at| heap.payload(at)).collect();
        let mut owners: Vec<Slot> = payloads[1..].iter().filter_map(|at| self.owner(*at)).collect();
        while !owners.is_empty() {
            let place = self.random.random_range(0..owners.len());
            let slot = owners.swap_remove(place);
            self.push(Op::Free { pointer: Pointer::block(slot) });
        }
        let Some(slot) = self.owner(payloads[0]) else { return };
        if self.chance(60) {
            let size = self.owned(payloads[0]) + self.random.random_range(1..2000);
            self.push(Op::Realloc { slot, pointer: Pointer::block(slot), size });
        } else {
            self.push(Op::Free { pointer: Pointer::block(slot) });
        }
    }

    /// Shrinks a block, and lets it or another grow a little right after.
    fn shrink_and_grow(&mut self) {
        let live = self.live.clone();
        let Some((slot, at)) = self.pick(&live) else { return };
        let size = self.owned(at);
        let pointer = Pointer::block(slot);
        let less = self.random.random_range(1..=size.clamp(1, 200)).min(size);
        self.push(Op::Realloc { slot, pointer, size: (size - less).max(1) });
        if self.chance(70) {
            let more = self.random.random_range(1..150);
            self.push(Op::Realloc { slot, pointer, size: size.saturating_sub(less) + more });
        }
    }

    fn owner(&self, address: Address) -> Option<Slot> {
        self.live.iter().find(|(_, at)| *at == address).map(|(slot, _)| *slot)
    }

    /// The size of the block at an address.
    fn owned(&self, address: Address) -> u64 {
        let heap = &self.machine.model.heap;
        heap.find(address).map_or(8, |found: Found| heap.block(found).size)
    }
}

fn pointer_of(call: &crate::run::Call) -> Address {
    match call.request {
        crate::call::Request::Realloc { pointer, .. } | crate::call::Request::Free { pointer } => pointer,
        _ => NULL,
    }
}
