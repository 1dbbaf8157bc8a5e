//! Which sizes a program asks for.

use rand::RngExt;

use super::{LARGEST_MAPPING, Writer};
use crate::heap::Block;
use crate::program::{Op, Slot};

impl Writer<'_> {
    /// A calloc into a slot, its size as one product or another.
    pub(super) fn calloc(&mut self, slot: Slot) -> Op {
        let size = self.size(true);
        let nmemb = if self.chance(40) { 1 } else { self.random.random_range(1..=9).min(size) };
        match self.chance(50) {
            true => Op::Calloc { slot, nmemb, size: size / nmemb },
            false => Op::Calloc { slot, nmemb: size / nmemb, size: nmemb },
        }
    }

    /// A size for a request; `calloc` has a threshold of its own.
    pub(super) fn size(&mut self, calloc: bool) -> u64 {
        if self.rare(self.mood.mapped) {
            return self.large(calloc);
        }
        let heap = (if calloc { self.plan.params.calloc_threshold } else { self.plan.params.mmap_threshold }) - 600;
        if self.chance(self.mood.fitted) {
            let fitted = self.fitted().max(1);
            // Fitted to a very large block it may be a mapped one, which is dear: mostly it is left alone.
            if fitted <= heap || self.rare(self.mood.mapped) {
                return if calloc { fitted.min(heap) } else { fitted.min(LARGEST_MAPPING) };
            }
        }
        let size = match self.random.random_range(0..100) {
            _ if self.chance(self.mood.same_sizes) => self.sizes[self.random.random_range(0..4)],
            0..80 => self.random.random_range(1..=self.mood.small),
            80..97 => self.random.random_range(1..=9000),
            _ => self.random.random_range(1..heap),
        };
        size.min(heap)
    }

    /// A size at or beyond the threshold.
    fn large(&mut self, calloc: bool) -> u64 {
        let params = self.plan.params;
        let threshold = if calloc { params.calloc_threshold } else { params.mmap_threshold };
        if self.chance(50) {
            let edge = threshold - params.header;
            return edge - 24 + self.random.random_range(0..100);
        }
        let mappings: Vec<u64> = self.machine.model.heap.mappings.iter().map(|block| block.size).collect();
        match self.pick(&mappings) {
            Some(size) if self.chance(50) => size - self.random.random_range(0..size.min(9)),
            _ => threshold + self.random.random_range(0..if calloc { 9000 } else { 200_000 }),
        }
    }

    /// A size that leaves a remainder around the smallest block of a block that is there, free ones before others.
    fn fitted(&mut self) -> u64 {
        let heap = &self.machine.model.heap;
        let free: Vec<Block> =
            (0..heap.blocks.len()).filter(|at| heap.is_free(*at)).map(|at| heap.blocks[at]).collect();
        let all = heap.blocks.clone();
        let Some(block) =
            (if self.chance(70) { self.pick(&free).or_else(|| self.pick(&all)) } else { self.pick(&all) })
        else {
            return self.random.random_range(1..=self.mood.small);
        };
        let params = self.plan.params;
        let less = match self.random.random_range(0..6) {
            0 => 0,
            1 => params.header,
            2 => params.smallest_block(),
            3 => params.smallest_block() - 8 + self.random.random_range(0..24),
            _ => self.random.random_range(0..64),
        };
        let more = if self.chance(25) { self.random.random_range(1..100) } else { 0 };
        (block.size + more).saturating_sub(less)
    }
}
