//! What an allocator shows of its blocks, one by one and in figures.

use super::Allocator;
use crate::block::{Block, Header, Status};

/// What can be seen of a block from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The payload's address.
    pub payload: usize,
    /// Bytes in the payload.
    pub size: usize,
    /// What the block is used for.
    pub status: Status,
}

/// What an allocator holds, `struct os_stats` in C. Sizes are bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Stats {
    /// From the heap's blocks, headers included.
    pub heap_bytes: usize,
    /// Payload of the blocks of the heap that have an owner, or that a thread keeps.
    pub used_bytes: usize,
    /// How many those are.
    pub used_blocks: usize,
    /// Payload of the free blocks.
    pub free_bytes: usize,
    /// How many those are. Such as still are to be merged count one by one.
    pub free_blocks: usize,
    /// In mappings, headers included.
    pub mapped_bytes: usize,
    /// How many mappings there are.
    pub mapped_blocks: usize,
    /// Payload of the last block of the heap, if it is free.
    pub top_bytes: usize,
}

impl<S, H: Header> Allocator<S, H> {
    /// The blocks of the heap in address order.
    pub fn heap_blocks(&self) -> impl Iterator<Item = Seen> {
        self.heap.blocks().iter().map(see)
    }

    /// The live mappings in the order of their addresses.
    pub fn mapped_blocks(&self) -> impl Iterator<Item = Seen> {
        self.mappings.iter().map(see)
    }

    /// Counts what there is, by a walk over the heap.
    pub fn stats(&self) -> Stats {
        let mut stats = Stats {
            mapped_bytes: self.mappings.bytes(),
            mapped_blocks: self.mappings.count(),
            top_bytes: self.heap.blocks().last().filter(|last| last.is_free()).map_or(0, Block::size),
            ..Stats::default()
        };
        for block in self.heap.blocks().iter() {
            stats.heap_bytes += H::BYTES + block.size();
            let (bytes, blocks) = if block.is_free() {
                (&mut stats.free_bytes, &mut stats.free_blocks)
            } else {
                (&mut stats.used_bytes, &mut stats.used_blocks)
            };
            *bytes += block.size();
            *blocks += 1;
        }
        stats
    }
}

fn see<H: Header>(block: Block<H>) -> Seen {
    Seen { payload: block.payload().addr().get(), size: block.size(), status: block.status() }
}
