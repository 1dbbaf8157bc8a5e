//! Runs one sequence in this process and makes the checks that can be made there.

#![expect(unsafe_code, reason = "moves the break")]

use osmem_replay::{Kind, Line, NO_SLOT, Op, Pointer, State, check};

use crate::calls::Call;
use crate::file::{File, Results};
use crate::marks::Marks;
use crate::memory::{Difference, Memory};
use crate::message::fail;
use crate::system::{Limits, current_break, set_break};
use crate::work::Desk;

/// A check that failed, at the op that the results name.
pub struct Failure {
    pub check: i32,
    pub block: u32,
    pub details: [u64; 3],
}

impl Failure {
    fn at(check: i32, block: u32, difference: Difference) -> Self {
        Self { check, block, details: difference.details() }
    }
}

impl From<i32> for Failure {
    fn from(check: i32) -> Self {
        Self { check, block: NO_SLOT, details: [0; 3] }
    }
}

/// Runs the sequence as the program itself; a failed check ends it with a line on standard error.
pub fn one(file: &File, index: u32) {
    let (ops, results) = file.sequence(index);
    results.begun();
    let mut at = 0;
    // SAFETY: once, and there is no fork.
    let run = Run::new(file, results, Marks::NONE, unsafe { file.work.desk() });
    match run.and_then(|mut run| run.run(ops, &mut at)) {
        Ok(()) => results.over(State::Exited, 0),
        Err(failure) => {
            results.failed(failure.check, failure.block, failure.details);
            results.over(State::Exited, failure.check);
            let at_end = at as usize == ops.len();
            fail(&describe(&failure, (!at_end).then_some(at)), failure.check);
        }
    }
}

/// The line that tells a failed check of an op, or of the end.
fn describe(failure: &Failure, op: Option<u32>) -> Line {
    let line = Line::new().text("check failed: ").text(check::sentence(failure.check).unwrap_or_default());
    let line = match op {
        Some(op) => line.text(": op ").number(u64::from(op)),
        None => line.text(": at the end"),
    };
    let line = if failure.block == NO_SLOT { line } else { line.text(", slot ").number(u64::from(failure.block)) };
    let [first, second, third] = failure.details;
    let line = match failure.check {
        check::UNUSABLE => line,
        check::MISALIGNED => line.text(": ").hex(first),
        check::OVERLAP => line.text(": ").number(second).text(" bytes at ").hex(first).text(" over ").hex(third),
        _ => line.text(": byte ").number(first).text(" is ").hex(second).text(", it must be ").hex(third),
    };
    line.text("\n")
}

/// How far to both sides of an address on the stack no block can lie: the system keeps a larger gap.
const STACK: usize = 64 << 10;

/// What a block that was just given must hold.
enum Contents<'a> {
    Anything,
    Zeros,
    KeptFrom(&'a Memory),
}

/// A sequence on its way.
pub struct Run {
    results: Results,
    marks: Marks,
    thorough: bool,
    desk: Desk,
    limits: Limits,
    /// What stands around the address on the stack: not zero, so that it is no free block with an end of a list by chance.
    stack: [usize; 32],
}

impl Run {
    pub fn new(file: &File, results: Results, marks: Marks, desk: Desk) -> Result<Self, Failure> {
        let limits = Limits::now()?;
        Ok(Self { results, marks, thorough: file.header.thorough != 0, desk, limits, stack: [1; 32] })
    }

    /// Runs the ops. `at` is the op that runs, as in the results.
    pub fn run(&mut self, ops: &[Op], at: &mut u32) -> Result<(), Failure> {
        for (index, op) in (0..).zip(ops) {
            *at = index;
            self.results.at(index);
            if op.mark != 0 {
                self.marks.op(index);
            }
            let result = self.step(index, op)?;
            if matches!(op.kind(), Some(Kind::MoveBreak | Kind::Refuse)) {
                self.results.done(index, result);
            }
        }
        self.marks.end();
        *at += u32::from(!ops.is_empty());
        self.results.at(*at);
        self.limits.restore()?;
        self.desk.live.iter().try_for_each(|block| self.verify(block))?;
        self.desk.gained.iter().try_for_each(|memory| self.verify_gained(memory))
    }

    fn step(&mut self, index: u32, op: &Op) -> Result<usize, Failure> {
        let size = usize::try_from(op.size()).unwrap_or(usize::MAX);
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let new = |address: usize| Memory { address, size, op: index, slot: op.slot };
        match op.kind() {
            Some(Kind::Malloc) => {
                let address = self.call(index, Call::Malloc(size));
                self.given(new(address), &Contents::Anything)?;
            }
            Some(Kind::Calloc) => {
                let address = self.call(index, Call::Calloc(number(op.a), number(op.b)));
                self.given(new(address), &Contents::Zeros)?;
            }
            Some(Kind::Realloc) => {
                let pointer = self.pointer(op);
                let old = self.live_at(pointer, op.from);
                old.iter().try_for_each(|block| self.verify(block))?;
                let address = self.call(index, Call::Realloc(pointer, size));
                match &old {
                    Some(old) if address != 0 || size == 0 => {
                        self.desk.live.remove(old);
                        self.given(new(address), &Contents::KeptFrom(old))?;
                    }
                    _ => self.given(new(address), &Contents::Anything)?,
                }
            }
            Some(Kind::Free) => {
                let pointer = self.pointer(op);
                let block = self.live_at(pointer, op.from);
                block.iter().try_for_each(|block| self.verify(block))?;
                self.call(index, Call::Free(pointer));
                block.iter().for_each(|block| self.desk.live.remove(block));
            }
            Some(Kind::MoveBreak) => return self.move_break(index, op.a.cast_signed()),
            Some(Kind::Refuse) => self.limits.refuse(op.refusal().ok_or(check::UNUSABLE)?)?,
            None => return Err(check::UNUSABLE.into()),
        }
        Ok(0)
    }

    /// Makes the call; its result is written down before anything is checked.
    fn call(&self, index: u32, call: Call) -> usize {
        self.results.inside(true);
        let result = call.make();
        self.results.inside(false);
        self.results.done(index, result);
        result
    }

    /// The address that the op passes.
    fn pointer(&self, op: &Op) -> usize {
        let plus = |address: usize, offset: i64| address.wrapping_add_signed(isize::try_from(offset).unwrap_or(0));
        match op.pointer() {
            Some(Pointer::Slot(slot, offset)) => match self.desk.slots[slot as usize] {
                0 => 0,
                address => plus(address, offset),
            },
            Some(Pointer::Stack(offset)) => plus(self.stack_address(), offset),
            Some(Pointer::Null) | None => 0,
        }
    }

    fn stack_address(&self) -> usize {
        (&raw const self.stack[16]).expose_provenance()
    }

    /// The live block that starts at `address`; empty blocks may share one, then rather the one in `slot`.
    fn live_at(&self, address: usize, slot: u32) -> Option<Memory> {
        let found = |block: &&Memory| block.address == address;
        let live = || self.desk.live.iter();
        live().find(|block| found(block) && block.slot == slot).or_else(|| live().find(found)).copied()
    }

    /// Takes over what a call gave, unless that is NULL.
    fn given(&mut self, block: Memory, contents: &Contents) -> Result<(), Failure> {
        if block.address == 0 {
            return Ok(());
        }
        self.desk.slots[block.slot as usize] = block.address;
        if !block.address.is_multiple_of(8) {
            let details = [block.address as u64, 0, 0];
            return Err(Failure { check: check::MISALIGNED, block: block.slot, details });
        }
        self.expect_apart(&block)?;
        let (wrong, check) = match contents {
            Contents::Anything => (None, 0),
            Contents::Zeros => (block.nonzero(), check::NOT_ZEROED),
            Contents::KeptFrom(old) => (old.difference_in(&block, self.thorough), check::CONTENTS_LOST),
        };
        if let Some(wrong) = wrong {
            return Err(Failure::at(check, block.slot, wrong));
        }
        block.fill(self.thorough);
        self.desk.live.push(block);
        Ok(())
    }

    /// Checks that the block lies over nothing that is in use.
    fn expect_apart(&self, block: &Memory) -> Result<(), Failure> {
        let over = |slot: u32, address: usize| {
            let details = [block.address as u64, block.size as u64, address as u64];
            Err(Failure { check: check::OVERLAP, block: slot, details })
        };
        if !block.fits() {
            return over(NO_SLOT, 0);
        }
        let stack = Memory { address: self.stack_address() - STACK, size: 2 * STACK, op: 0, slot: NO_SLOT };
        if block.overlaps(&stack) {
            return over(NO_SLOT, self.stack_address());
        }
        if let Some(other) = self.desk.live.iter().find(|other| other.overlaps(block)) {
            return over(other.slot, other.address);
        }
        match self.desk.gained.iter().find(|other| other.overlaps(block)) {
            Some(other) => over(NO_SLOT, other.address),
            None => Ok(()),
        }
    }

    fn verify(&self, block: &Memory) -> Result<(), Failure> {
        let wrong = block.difference(self.thorough);
        wrong.map_or(Ok(()), |wrong| Err(Failure::at(check::WRITTEN_INTO, block.slot, wrong)))
    }

    fn verify_gained(&self, memory: &Memory) -> Result<(), Failure> {
        let wrong = memory.difference(self.thorough);
        wrong.map_or(Ok(()), |wrong| Err(Failure::at(check::BREAK_WRITTEN_INTO, NO_SLOT, wrong)))
    }

    /// Moves the break as somebody does who knows nothing of the allocator; gives the break afterwards.
    fn move_break(&mut self, index: u32, bytes: i64) -> Result<usize, Failure> {
        if bytes < 0
            && let Some(last) = self.desk.gained.last()
        {
            // Before the marks: what stands between them is the move alone.
            self.verify_gained(&last)?;
        }
        // The limit on data keeps the break from moving down, too, which nobody has asked for.
        let refused = self.limits.refused();
        if bytes < 0 {
            self.limits.restore()?;
        }
        self.marks.program();
        let start = current_break();
        let size = usize::try_from(bytes).unwrap_or(0);
        let mut end = start;
        if size > 0 {
            // SAFETY: up: takes nothing from anybody.
            unsafe { set_break(start.saturating_add(size)) };
            end = current_break();
        } else if bytes < 0
            && let Some(last) = self.desk.gained.last().filter(|last| last.address + last.size == start)
        {
            self.desk.gained.remove(&last);
            // SAFETY: down to where this program's own part starts, which is the last one before the break.
            unsafe { set_break(last.address) };
            end = current_break();
        }
        self.marks.program_done();
        if bytes < 0 {
            self.limits.refuse(refused)?;
        }
        if size > 0 && end == start.saturating_add(size) {
            let memory = Memory { address: start, size, op: index, slot: NO_SLOT };
            memory.fill(self.thorough);
            self.desk.gained.push(memory);
        }
        Ok(end)
    }
}
