//! One heap in two header sizes at once: the same list of blocks, with two sizes for each.

use crate::model::{Answer, Event, Place};

/// A value for the contract's header size, and one for the other.
pub type Both<T> = [T; 2];

/// Why both sizes do not decide alike, for a person.
pub type Apart = &'static str;

/// R4: what the first heap request moves the break by.
const PREALLOCATION: u64 = 128 << 10;

/// R6: the smallest payload worth a block of its own.
const SMALLEST: u64 = 8;

/// One block.
struct Block {
    /// Its payload, in bytes.
    size: Both<u64>,
    free: bool,
}

/// The blocks in order of address; the first one begins at HEAP, the last one ends at the break.
pub struct Heap {
    header: Both<u64>,
    blocks: Vec<Block>,
}

impl Heap {
    /// Before the first heap request.
    pub fn new(header: Both<u64>) -> Self {
        Self { header, blocks: Vec::new() }
    }

    /// Both header sizes.
    pub fn header(&self) -> Both<u64> {
        self.header
    }

    /// Whether no heap request was made yet.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The payload of a block, in bytes above HEAP.
    pub fn payload(&self, index: usize) -> Both<u64> {
        let below = self.end(index);
        both(|size| below[size] + self.header[size])
    }

    /// The block that contains the byte `offset` above HEAP, in one of the sizes.
    pub fn find(&self, size: usize, offset: u64) -> Option<usize> {
        let mut end = 0;
        self.blocks.iter().position(|block| {
            end += self.header[size] + block.size[size];
            offset < end
        })
    }

    /// The size of a block's payload.
    pub fn size(&self, index: usize) -> Both<u64> {
        self.blocks[index].size
    }

    /// Whether a block is free.
    pub fn is_free(&self, index: usize) -> bool {
        self.blocks[index].free
    }

    /// R8.
    pub fn free(&mut self, index: usize) {
        self.blocks[index].free = true;
    }

    /// R4 to R7: a block of `wanted` bytes, a multiple of 8, and the moves of the break.
    pub fn take(&mut self, wanted: u64) -> Result<(usize, Both<Vec<Event>>), Apart> {
        let mut events = [Vec::new(), Vec::new()];
        if self.blocks.is_empty() {
            self.blocks.push(Block { size: both(|size| PREALLOCATION - self.header[size]), free: true });
            self.note_break(&mut events);
        }
        self.merge();
        let last = self.blocks.len() - 1;
        let index = match self.best_fit(wanted)? {
            Some(index) => {
                self.split(index, wanted)?;
                index
            }
            None if self.blocks[last].free => {
                self.extend(last, wanted, &mut events);
                last
            }
            None => {
                self.blocks.push(Block { size: [wanted; 2], free: true });
                self.note_break(&mut events);
                last + 1
            }
        };
        self.blocks[index].free = false;
        Ok((index, events))
    }

    /// R11 and the first two ways of R12: resizes a block where it is. `None`: it has to move.
    pub fn resize(&mut self, index: usize, wanted: u64) -> Result<Option<Both<Vec<Event>>>, Apart> {
        let mut events = [Vec::new(), Vec::new()];
        if !self.fits(index, wanted)? && index + 1 == self.blocks.len() {
            self.extend(index, wanted, &mut events);
            return Ok(Some(events));
        }
        while !self.fits(index, wanted)? {
            if !self.blocks.get(index + 1).is_some_and(|next| next.free) {
                return Ok(None);
            }
            self.join(index);
        }
        self.split(index, wanted)?;
        Ok(Some(events))
    }

    /// R5: merges all adjacent free blocks.
    fn merge(&mut self) {
        let mut index = 0;
        while index + 1 < self.blocks.len() {
            if self.blocks[index].free && self.blocks[index + 1].free {
                self.join(index);
            } else {
                index += 1;
            }
        }
    }

    /// R5: the smallest free block of at least `wanted` bytes, among equals the lowest.
    fn best_fit(&self, wanted: u64) -> Result<Option<usize>, Apart> {
        alike(
            both(|size| {
                let fitting =
                    self.blocks.iter().enumerate().filter(|(_, block)| block.free && block.size[size] >= wanted);
                fitting.min_by_key(|(_, block)| block.size[size]).map(|(index, _)| index)
            }),
            "another block is the best fit",
        )
    }

    fn fits(&self, index: usize, wanted: u64) -> Result<bool, Apart> {
        alike(both(|size| self.blocks[index].size[size] >= wanted), "a block is large enough with one size only")
    }

    /// R6: cuts what is left behind `wanted` bytes off a block that is large enough.
    fn split(&mut self, index: usize, wanted: u64) -> Result<(), Apart> {
        let left = both(|size| self.blocks[index].size[size] - wanted);
        let enough = both(|size| left[size] >= self.header[size] + SMALLEST);
        if alike(enough, "a block is split with one size only")? {
            let size = both(|size| left[size] - self.header[size]);
            self.blocks[index].size = [wanted; 2];
            self.blocks.insert(index + 1, Block { size, free: true });
        }
        Ok(())
    }

    /// Makes one block of a block and the one behind it.
    fn join(&mut self, index: usize) {
        let next = self.blocks.remove(index + 1);
        let block = &mut self.blocks[index];
        block.size = both(|size| block.size[size] + self.header[size] + next.size[size]);
    }

    /// R7, R12: moves the break by what the last block lacks.
    fn extend(&mut self, last: usize, wanted: u64, events: &mut Both<Vec<Event>>) {
        self.blocks[last].size = [wanted; 2];
        self.note_break(events);
    }

    /// The break has come to the end of the last block.
    fn note_break(&self, events: &mut Both<Vec<Event>>) {
        let end = self.end(self.blocks.len());
        for size in 0..2 {
            let place = Place::Heap(end[size]);
            events[size].push(Event::Brk { to: place, result: Answer::Place(place) });
        }
    }

    /// Where the first `count` blocks end, in bytes above HEAP.
    fn end(&self, count: usize) -> Both<u64> {
        both(|size| self.blocks[..count].iter().map(|block| self.header[size] + block.size[size]).sum())
    }
}

/// The same for both sizes.
pub fn both<T>(value: impl Fn(usize) -> T) -> Both<T> {
    [value(0), value(1)]
}

/// The decision, if both sizes decide alike.
pub fn alike<T: PartialEq>([ours, other]: Both<T>, why: Apart) -> Result<T, Apart> {
    if ours == other { Ok(ours) } else { Err(why) }
}
