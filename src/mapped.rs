//! Mappings: blocks that the system hands out one by one (R8, R9), and the registry by which they are recognised.
//!
//! The registry is a treap ordered by address, whose links lie in the headers: it takes no memory of its own, and a
//! pointer that is no mapping of ours is recognised without being read through.
#![expect(unsafe_code, reason = "headers and payloads are raw memory")]

use crate::block::{Block, Header};
use crate::index::treap::{self, Forest, Side};
use crate::sys::{Memory, Sys};
use std::iter;
use std::marker::PhantomData;

/// The live mappings.
#[derive(Debug)]
pub struct Mappings<H> {
    root: Option<Block<H>>,
    count: usize,
    bytes: usize,
}

/// The mapped blocks as a forest.
struct ByAddress<H>(PhantomData<H>);

impl<H: Header> Forest for ByAddress<H> {
    type Node = Block<H>;

    fn child(&self, node: Block<H>, side: Side) -> Option<Block<H>> {
        match side {
            Side::Left => node.left(),
            Side::Right => node.right(),
        }
    }

    fn set_child(&self, node: Block<H>, side: Side, child: Option<Block<H>>) {
        match side {
            Side::Left => node.set_left(child),
            Side::Right => node.set_right(child),
        }
    }

    fn rank(&self, node: Block<H>) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "pages have a number each; its low half is enough")]
        let page = (node.address() >> 12) as u32;
        treap::rank(page)
    }

    fn is_less(&self, one: Block<H>, other: Block<H>) -> bool {
        one.address() < other.address()
    }
}

impl<H: Header> Mappings<H> {
    const FOREST: ByAddress<H> = ByAddress(PhantomData);

    /// No mappings.
    pub(crate) const fn new() -> Self {
        Self { root: None, count: 0, bytes: 0 }
    }

    /// The number of mappings.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// Bytes in all mappings, headers included.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The mapped blocks in the order of their addresses.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Block<H>> {
        let behind = |address: usize| {
            treap::first_behind(&Self::FOREST, self.root, move |block: Block<H>| block.address() <= address)
        };
        iter::successors(behind(0), move |block| behind(block.address()))
    }

    /// The mapped block whose payload begins at `payload`.
    pub(crate) fn find(&self, payload: usize) -> Option<Block<H>> {
        let address = payload.checked_sub(H::BYTES)?;
        treap::first_behind(&Self::FOREST, self.root, |block| block.address() < address)
            .filter(|block| block.address() == address)
    }

    /// A block in a mapping of its own, which is all zero and no longer than needed (R9); `None` if refused (R15).
    pub(crate) fn allocate(&mut self, sys: &mut impl Sys, size: usize) -> Option<Block<H>> {
        let memory = sys.map(H::BYTES.checked_add(size)?)?;
        self.adopt(sys, memory, 0, size)
    }

    /// The same with a payload that is aligned to `alignment` bytes, a power of two that is larger than the header. The
    /// header stands at the end of the mapping's first page, and what was mapped too much is given back.
    pub(crate) fn allocate_aligned(&mut self, sys: &mut impl Sys, alignment: usize, size: usize) -> Option<Block<H>> {
        let page = sys.page_size();
        let alignment = alignment.max(page);
        let length = page.checked_add(size)?.checked_next_multiple_of(page)?;
        let memory = sys.map(length.checked_add(alignment - page)?)?;
        let payload = (memory.address() + page).next_multiple_of(alignment);
        let spare = payload - page - memory.address();
        let (before, rest) = memory.cut(spare);
        let (memory, behind) = rest.cut(length);
        for spare in [before, behind] {
            if spare.length() > 0 {
                sys.unmap(spare);
            }
        }
        self.adopt(sys, memory, page - H::BYTES, length - page)
    }

    /// Gives the whole mapping back (R8); how many bytes it had. Should the system refuse, it is lost: the caller has
    /// given it up, and nobody can retry.
    pub(crate) fn free(&mut self, sys: &mut impl Sys, block: Block<H>) -> usize {
        let memory = self.abandon(sys, block);
        let length = memory.length();
        sys.unmap(memory);
        length
    }

    /// Lets the system make a mapping longer or shorter, which may move it. `None`, and the block as it was, if it is not
    /// able to.
    pub(crate) fn resize(&mut self, sys: &mut impl Sys, block: Block<H>, size: usize) -> Option<Block<H>> {
        if !block.address().is_multiple_of(sys.page_size()) {
            return None; // it is aligned to more than a page, perhaps
        }
        let old_size = block.size();
        let length = H::BYTES.checked_add(size)?;
        let memory = self.abandon(sys, block);
        match sys.remap(memory, length) {
            Ok(memory) => self.adopt(sys, memory, 0, size),
            Err(memory) => {
                self.adopt(sys, memory, 0, old_size);
                None
            }
        }
    }

    /// Writes a header `offset` bytes behind the beginning of `memory`, which is ours and long enough, and registers it.
    fn adopt(&mut self, sys: &mut impl Sys, memory: Memory, offset: usize, size: usize) -> Option<Block<H>> {
        if !Block::<H>::can_map(memory.address() + offset) {
            sys.unmap(memory);
            return None;
        }
        // SAFETY: a mapping of our own, in which `offset`, header and payload have room; aligned, as pages are.
        let block = unsafe { Block::write_mapping(memory.start().add(offset), size) };
        treap::insert(&Self::FOREST, &mut self.root, block);
        self.count += 1;
        self.bytes += memory.length();
        Some(block)
    }

    /// Takes a mapping out of the registry, and returns its memory.
    fn abandon(&mut self, sys: &impl Sys, block: Block<H>) -> Memory {
        treap::remove(&Self::FOREST, &mut self.root, block);
        let offset = block.address() % sys.page_size();
        let length = offset + H::BYTES + block.size();
        self.count -= 1;
        self.bytes -= length;
        // SAFETY: H1 and H7, the mapping begins in the header's page, and with its header out of the registry nobody else
        // knows it.
        unsafe { Memory::new(block.start().sub(offset), length) }
    }
}
