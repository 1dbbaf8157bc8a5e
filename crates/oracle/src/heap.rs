//! The state of an allocator: its blocks as one vector in the order of their list, its mappings, and the break.
//!
//! Nothing here decides anything; the rules do. Linear scans throughout: this is to be read, not to be quick.

mod blocks;

use crate::call::Address;
use crate::params::Params;
use crate::readings::{Point, Readings};

pub use blocks::Blocks;

/// What a block is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nobody's.
    Free,
    /// In use.
    Alloc,
}

/// A block of the heap, or a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Where its header begins.
    pub start: Address,
    /// Bytes of its payload, aligned.
    pub size: u64,
    /// Always [`Status::Alloc`] for a mapping.
    pub status: Status,
}

/// What a pointer leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A block of the heap, by its index.
    Heap(usize),
    /// A mapping, by its index.
    Mapping(usize),
}

/// What a mistaken allocator remembers beyond its blocks; the contract's has no use for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memo {
    /// Where the last search ended.
    pub search_ended: Address,
    /// The payload that the last call copied too much of.
    pub copied: Address,
    /// A mapping that was freed and stays in the list of blocks: its start and its size, in bytes.
    pub listed: Option<(Address, u64)>,
    /// Blocks that take another for the one before them, which they name.
    pub stale: Vec<(Address, Address)>,
    /// The block that is taken for the last one.
    pub tail: Option<Address>,
    /// Blocks that the list does not reach any more.
    pub lost: Vec<Address>,
    /// Mappings, each with the block of the heap that it follows in the list.
    pub behind: Vec<(Address, Address)>,
    /// Whether a block reaches beyond the break.
    pub overrun: bool,
    /// Set if the last block that was freed was free already.
    pub freed_twice: bool,
    /// Whether the first request is at work.
    pub first: bool,
    /// Whether `os_realloc` moves a block.
    pub in_move: bool,
    /// Whether `os_calloc` is at work.
    pub in_calloc: bool,
    /// It has written where it must not: from here on anything may happen.
    pub corrupted: bool,
    /// The program will do so when it writes to the payload of this call: a header lies in it.
    pub exposed: bool,
    /// It does so at the end of this call, whose result and system calls are as they must be.
    pub corrupts: bool,
}

/// The whole state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heap {
    /// The numbers that the rules count with.
    pub params: Params,
    /// How the open points are read.
    pub readings: Readings,
    /// The blocks of the heap, in the order of their list.
    pub blocks: Blocks,
    /// The live mappings.
    pub mappings: Vec<Block>,
    /// The break as the kernel knows it.
    pub brk: Address,
    /// O5: where the live mappings begin that calloc made.
    pub callocs: Vec<Address>,
    /// For mistaken allocators only.
    pub memo: Memo,
    consulted: u16,
}

impl Heap {
    /// Before the first call, with the break at `brk`.
    pub fn new(params: Params, readings: Readings, brk: Address) -> Self {
        Self {
            params,
            readings,
            blocks: Blocks::default(),
            mappings: Vec::new(),
            brk,
            callocs: Vec::new(),
            memo: Memo::default(),
            consulted: 0,
        }
    }

    /// Becomes one free block from `begin` to the break, without any mapping.
    pub fn settle(&mut self, begin: Address) {
        self.blocks.clear();
        self.mappings.clear();
        let size = self.brk.saturating_sub(begin);
        if size >= self.params.smallest_block() {
            self.blocks.push(Block { start: begin, size: size - self.params.header, status: Status::Free });
        }
    }

    /// Notes that a decision hangs on this open point.
    pub fn consult(&mut self, point: Point) {
        self.consulted |= point.bit();
    }

    /// The open points that decisions hung on since this was last asked.
    pub fn take_consulted(&mut self) -> u16 {
        std::mem::take(&mut self.consulted)
    }

    /// Where a block's payload begins.
    pub fn payload(&self, index: usize) -> Address {
        self.blocks[index].start.saturating_add(self.params.header)
    }

    /// Where a block ends.
    pub fn end(&self, index: usize) -> Address {
        self.payload(index).saturating_add(self.blocks[index].size)
    }

    /// The last block of the list.
    pub fn last(&self) -> Option<usize> {
        self.blocks.len().checked_sub(1)
    }

    /// Whether a block is free.
    pub fn is_free(&self, index: usize) -> bool {
        self.blocks[index].status == Status::Free
    }

    /// R16: whether a block is the last one and ends at the break, so that the heap can grow there.
    pub fn at_break(&self, index: usize) -> bool {
        Some(index) == self.last() && self.end(index) == self.brk
    }

    /// R16: whether the next block of the list is free and lies right behind, with no foreign gap between.
    pub fn next_is_free(&self, index: usize) -> bool {
        index + 1 < self.blocks.len() && self.is_free(index + 1) && self.end(index) == self.blocks[index + 1].start
    }

    /// Makes one block of a block and the one behind it.
    pub fn absorb_next(&mut self, index: usize) {
        if index + 1 < self.blocks.len() {
            let next = self.blocks.remove(index + 1);
            let size = self.blocks[index].size.saturating_add(self.params.header + next.size);
            self.blocks[index].size = size;
        }
    }

    /// Cuts a block after `size` bytes of payload: the rest becomes a free block right behind. There must be room for its header.
    pub fn cut(&mut self, index: usize, size: u64) {
        if index >= self.blocks.len() {
            return;
        }
        let rest = self.blocks[index].size.saturating_sub(size + self.params.header);
        self.blocks[index].size = size;
        let start = self.end(index);
        self.blocks.insert(index + 1, Block { start, size: rest, status: Status::Free });
    }

    /// The block or mapping whose payload begins at `pointer`, free or not.
    pub fn find(&self, pointer: Address) -> Option<Found> {
        let start = pointer.checked_sub(self.params.header)?;
        let at = |block: &Block| block.start == start;
        let heap = || self.blocks.iter().position(at).map(Found::Heap);
        heap().or_else(|| self.mappings.iter().position(at).map(Found::Mapping))
    }

    /// R10, R14: the live block whose payload begins exactly at `pointer`.
    pub fn live(&self, pointer: Address) -> Option<Found> {
        self.find(pointer).filter(|found| self.block(*found).status == Status::Alloc)
    }

    /// What a pointer leads to.
    pub fn block(&self, found: Found) -> &Block {
        match found {
            Found::Heap(index) => &self.blocks[index],
            Found::Mapping(index) => &self.mappings[index],
        }
    }

    /// The free blocks that hold `size` bytes, by their index.
    pub fn fitting(&self, size: u64) -> impl DoubleEndedIterator<Item = usize> {
        (0..self.blocks.len()).filter(move |index| self.is_free(*index) && self.blocks[*index].size >= size)
    }

    /// How many blocks and mappings there are.
    pub fn count(&self) -> usize {
        self.blocks.len() + self.mappings.len()
    }

    /// O5: notes that calloc made the mapping that begins at `start`.
    pub fn note_calloc(&mut self, start: Address) {
        self.callocs.retain(|calloc| self.mappings.iter().any(|mapping| mapping.start == *calloc));
        self.callocs.push(start);
    }
}
