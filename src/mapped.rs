//! Mappings: blocks that the system hands out one by one (R8, R9), and the registry by which they are recognised.

use crate::block::{Block, Status};
use crate::list::List;
use crate::size::Request;
use crate::sys::Sys;

/// The live mappings, in the order they were made.
#[derive(Debug)]
pub struct Mappings {
    blocks: List,
}

impl Mappings {
    /// No mappings.
    pub(crate) const fn new() -> Self {
        Self { blocks: List::new() }
    }

    /// The mapped blocks, for walking.
    pub(crate) const fn blocks(&self) -> &List {
        &self.blocks
    }

    /// The mapped block whose payload begins at `payload`.
    pub(crate) fn find(&self, payload: usize) -> Option<Block> {
        self.blocks.find(payload)
    }

    /// A block in a mapping of its own, which is all zero and no longer than needed (R9); `None` if refused (R15).
    pub(crate) fn allocate(&mut self, sys: &mut impl Sys, request: Request) -> Option<Block> {
        let memory = sys.map(request.need())?;
        Some(self.blocks.push(memory, Status::MAPPED))
    }

    /// Gives the whole mapping back (R8). Should the system refuse, it is lost: the caller has given it up, and nobody
    /// can retry.
    pub(crate) fn free(&mut self, sys: &mut impl Sys, block: Block) {
        let memory = self.blocks.remove(block);
        sys.unmap(memory);
    }
}
