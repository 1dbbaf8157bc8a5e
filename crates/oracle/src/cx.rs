//! What a rule works on: the heap, and the kernel that it may ask.

use crate::call::{Address, Kernel, System};
use crate::heap::{Block, Heap, Status};

/// The heap during one call, with every system call noted down.
pub struct Cx<'a> {
    /// The state.
    pub heap: &'a mut Heap,
    kernel: &'a mut dyn Kernel,
    asked: &'a mut Vec<System>,
}

impl<'a> Cx<'a> {
    /// For one call; system calls are added to `asked`.
    pub fn new(heap: &'a mut Heap, kernel: &'a mut dyn Kernel, asked: &'a mut Vec<System>) -> Self {
        Self { heap, kernel, asked }
    }

    /// Moves the break by so many bytes, down too. False if refused.
    pub fn move_break(&mut self, by: i64) -> bool {
        if by == 0 {
            return true; // a question where the break is, which no trace shows
        }
        let now = self.heap.brk;
        let to = now.wrapping_add_signed(by);
        self.heap.brk = self.kernel.brk(now, to);
        self.asked.push(System::Brk { to, now: self.heap.brk });
        self.heap.brk == to
    }

    /// A new mapping, as R9 asks for it.
    pub fn map(&mut self, length: u64) -> Option<Address> {
        self.map_as(length, true)
    }

    /// A new mapping; `plain` is false where more is asked for than R9 does.
    pub fn map_as(&mut self, length: u64, plain: bool) -> Option<Address> {
        let start = self.kernel.map(length, plain);
        self.asked.push(System::Map { length, plain, start });
        start
    }

    /// Ends a mapping.
    pub fn unmap(&mut self, start: Address, length: u64) {
        let taken = self.kernel.unmap(start, length);
        self.asked.push(System::Unmap { start, length, taken });
    }

    /// Resizes a mapping by `mremap`.
    pub fn remap(&mut self, start: Address, length: u64) -> Option<Address> {
        let to = self.kernel.remap(start, length);
        self.asked.push(System::Remap { start, length, to });
        to
    }

    /// Whether this call has asked the system for anything yet.
    pub fn has_asked(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Adds a free block of `size` bytes behind the last one, beginning at `start`.
    pub fn push_block(&mut self, start: Address, size: u64) -> usize {
        self.heap.blocks.push(Block { start, size, status: Status::Free });
        self.heap.blocks.len() - 1
    }
}
