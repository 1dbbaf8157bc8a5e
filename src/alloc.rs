//! The four calls in Rust: which request goes where (R1 to R3), and the decision table of `realloc` (R10 to R13).

use crate::block::{Block, Status};
use crate::heap::{Heap, Resized};
use crate::mapped::Mappings;
use crate::size::{MMAP_THRESHOLD, Request};
use crate::sys::Sys;
use std::fmt;
use std::ptr;

/// An allocator over one operating system.
///
/// None of its methods reads through a pointer the caller passes: it is only compared with the addresses of blocks. A
/// payload may be used until it is freed, resized away, or the system `S` is dropped.
#[derive(Debug)]
pub struct Allocator<S> {
    sys: S,
    heap: Heap,
    mappings: Mappings,
}

/// Why a call returned no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The sizes overflow (R2) or the system refused (R15): `ENOMEM`.
    OutOfMemory,
    /// The pointer is no live block of this allocator (R10): `EINVAL`.
    NotABlock,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory => "the request is too large, or the system refused memory",
            Self::NotABlock => "the pointer is no live block of this allocator",
        })
    }
}

impl std::error::Error for Failure {}

/// A payload, or null where the rules say that a success has none (R1, R10).
pub type Answer = Result<*mut u8, Failure>;

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

impl<S> Allocator<S> {
    /// An allocator that has not asked the system for anything yet.
    pub const fn new(sys: S) -> Self {
        Self { sys, heap: Heap::new(), mappings: Mappings::new() }
    }

    /// The system underneath. It cannot be changed for another: the blocks lie in its memory.
    pub const fn sys(&self) -> &S {
        &self.sys
    }

    /// The blocks of the heap in address order.
    pub fn heap_blocks(&self) -> impl Iterator<Item = Seen> {
        self.heap.blocks().iter().map(see)
    }

    /// The live mappings in the order they were made.
    pub fn mapped_blocks(&self) -> impl Iterator<Item = Seen> {
        self.mappings.blocks().iter().map(see)
    }

    /// The heap, for [`check`](crate::check).
    pub(crate) const fn heap(&self) -> &Heap {
        &self.heap
    }

    /// The mappings, for [`check`](crate::check).
    pub(crate) const fn mappings(&self) -> &Mappings {
        &self.mappings
    }
}

impl<S: Sys> Allocator<S> {
    /// A payload of `bytes` bytes, contents undefined; null for zero (R1).
    ///
    /// # Errors
    ///
    /// [`Failure::OutOfMemory`] by R2 and R15.
    pub fn malloc(&mut self, bytes: usize) -> Answer {
        if bytes == 0 {
            return Ok(ptr::null_mut());
        }
        let request = Request::new(bytes).ok_or(Failure::OutOfMemory)?;
        self.allocate(request, MMAP_THRESHOLD).map(hand_out)
    }

    /// A payload of `count` elements of `size` bytes each, all zero (R17); null if either is zero (R1).
    ///
    /// # Errors
    ///
    /// [`Failure::OutOfMemory`] by R2 and R15.
    pub fn calloc(&mut self, count: usize, size: usize) -> Answer {
        if count == 0 || size == 0 {
            return Ok(ptr::null_mut());
        }
        let request = Request::array(count, size).ok_or(Failure::OutOfMemory)?;
        let block = self.allocate(request, self.sys.page_size())?;
        if block.status() != Status::MAPPED {
            block.zero(); // a fresh mapping is zero already
        }
        Ok(hand_out(block))
    }

    /// Resizes a block, moving it if it must be, and keeps its first `min(old, bytes)` bytes (R17). A null `payload`
    /// makes this [`malloc`](Self::malloc), zero `bytes` makes it [`free`](Self::free) and null (R10).
    ///
    /// # Errors
    ///
    /// [`Failure::NotABlock`] by R10, [`Failure::OutOfMemory`] by R2 and R15. The old block is live and unchanged after
    /// either.
    pub fn realloc(&mut self, payload: *mut u8, bytes: usize) -> Answer {
        if payload.is_null() {
            return self.malloc(bytes);
        }
        if bytes == 0 {
            self.free(payload);
            return Ok(ptr::null_mut());
        }
        let old = self.find_live(payload).ok_or(Failure::NotABlock)?;
        let request = Request::new(bytes).ok_or(Failure::OutOfMemory)?;
        let keep = old.size().min(bytes);
        match (old.status() == Status::MAPPED, request.is_mapped(MMAP_THRESHOLD)) {
            (true, _) if request.size() == old.size() => return Ok(hand_out(old)), // R13
            (true, _) | (false, true) => {}                                        // R13, R12: moves
            (false, false) => match self.heap.resize(&mut self.sys, old, request.size()) {
                Resized::InPlace => return Ok(hand_out(old)),
                Resized::Refused => return Err(Failure::OutOfMemory),
                Resized::MustMove => {}
            },
        }
        let new = self.allocate(request, MMAP_THRESHOLD)?;
        new.copy_from(old, keep);
        self.release(old);
        Ok(hand_out(new))
    }

    /// Frees a block (R8). Anything that is no live block is ignored (R14).
    pub fn free(&mut self, payload: *mut u8) {
        if let Some(block) = self.find_live(payload) {
            self.release(block);
        }
    }

    /// R3: a mapping of its own from `threshold` bytes on, a block of the heap below.
    fn allocate(&mut self, request: Request, threshold: usize) -> Result<Block, Failure> {
        let block = if request.is_mapped(threshold) {
            self.mappings.allocate(&mut self.sys, request)
        } else {
            self.heap.allocate(&mut self.sys, request.size())
        };
        block.ok_or(Failure::OutOfMemory)
    }

    fn release(&mut self, block: Block) {
        if block.status() == Status::MAPPED {
            self.mappings.free(&mut self.sys, block);
        } else {
            self.heap.free(block);
        }
    }

    /// The block that a caller owns and whose payload begins exactly at `payload`.
    fn find_live(&self, payload: *mut u8) -> Option<Block> {
        let payload = payload.addr();
        let block = self.heap.find(payload).or_else(|| self.mappings.find(payload))?;
        (block.status() != Status::FREE).then_some(block)
    }
}

fn hand_out(block: Block) -> *mut u8 {
    block.payload().as_ptr()
}

fn see(block: Block) -> Seen {
    Seen { payload: block.payload().addr().get(), size: block.size(), status: block.status() }
}
