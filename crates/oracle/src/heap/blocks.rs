//! The blocks of a heap as a vector in which every index is one.

use std::ops::{Deref, DerefMut, Index, IndexMut};

use super::{Block, Status};

/// Stands for a block that is not there.
const NOWHERE: Block = Block { start: 0, size: 0, status: Status::Alloc };

/// The blocks of a heap, in the order of their list.
///
/// One mistake may take a block away that another one goes on with. An index without a block then reads as an empty block in use at
/// address 0, and whatever is written to it is lost.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    list: Vec<Block>,
    lost: Block,
}

impl Default for Block {
    fn default() -> Self {
        NOWHERE
    }
}

impl Blocks {
    /// Inserts a block, at the end if the list is shorter.
    pub fn insert(&mut self, index: usize, block: Block) {
        let index = index.min(self.list.len());
        self.list.insert(index, block);
    }

    /// Removes a block, if it is there, and returns it.
    pub fn remove(&mut self, index: usize) -> Block {
        if index < self.list.len() { self.list.remove(index) } else { NOWHERE }
    }

    /// Cuts the list off, and returns what stood from this index on.
    pub fn split_off(&mut self, index: usize) -> Vec<Block> {
        self.list.split_off(index.min(self.list.len()))
    }
}

impl PartialEq for Blocks {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Eq for Blocks {}

impl Deref for Blocks {
    type Target = Vec<Block>;

    fn deref(&self) -> &Vec<Block> {
        &self.list
    }
}

impl DerefMut for Blocks {
    fn deref_mut(&mut self) -> &mut Vec<Block> {
        &mut self.list
    }
}

impl Index<usize> for Blocks {
    type Output = Block;

    fn index(&self, index: usize) -> &Block {
        self.list.get(index).unwrap_or(&NOWHERE)
    }
}

impl IndexMut<usize> for Blocks {
    fn index_mut(&mut self, index: usize) -> &mut Block {
        match self.list.get_mut(index) {
            Some(block) => block,
            None => {
                self.lost = NOWHERE;
                &mut self.lost
            }
        }
    }
}
